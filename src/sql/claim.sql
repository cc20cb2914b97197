-- Takes the next jobs for an invocation, in the order of their rank and id, under the limits. settle_and_claim says what
-- is in the request, and the answer: jobs is what stands between the brackets of its list, met between those of its own, and
-- the rest is told of.
-- Claims on one schema are serialised by a lock that is taken before anything is read, so that each statement below sees
-- all that other claims did; it is held until the transaction ends. Under it nothing waits: rows are locked with skip
-- locked. Rounds are bounded: a job that is blocked or expanded makes room for another look at the queue, where its
-- dependencies and children now are.
create or replace function jobmaster.claim(request jsonb, out jobs text, out met text, out told jsonb)
language plpgsql volatile
as $fn$
declare
  wanted integer := request ->> 'limit';
  all_units bigint := request ->> 'units';
  hashes jsonb := request -> 'tasks';
  me uuid := request ->> 'invocation';
  call integer := request ->> 'sequence';
  on_system text := request ->> 'system';
  since bigint := coalesce((request ->> 'since')::bigint, 0);
  after_rank integer := request -> 'after' ->> 0;
  after_id bigint := request -> 'after' ->> 1;
  from_top boolean;
  claim_number bigint;
  moment timestamptz;
  oldest bigint;
  free_units bigint := all_units;
  expired boolean;
  again boolean;
  asked bigint[];
  able integer[];
  names text[];
  slots integer[];
  units integer[];
  common_units integer;
  special boolean[];
  limited boolean[];
  heavy integer[];
  chosen bigint[];
  in_order boolean;
  has_special boolean;
  mixed boolean;
  moved boolean;
  last_rank integer;
  last_id bigint;
  has_suspects boolean;
  suspect record;
  alone boolean := false;
  expanding bigint[];
  dependent bigint[];
  plain bigint[];
  seen record;
  looked record;
  problems jsonb;
  ready bigint[];
  until timestamptz;
  taken text;
  taken_count integer;
  expanded integer := 0;
  children integer := 0;
  blocked integer := 0;
  contended integer := 0;
  queued boolean;
  setting text;
begin
  -- An answer may be megabytes, and Postgres sends it before it commits: a caller that is frozen, or gone without a word,
  -- must not hold the lock for as long as TCP waits. Until the commit only. Assigned, as a query of its own costs more.
  setting := set_config('tcp_user_timeout', '5000', true);
  queued := not pg_try_advisory_xact_lock(hashtextextended('jobmaster', 0));
  if queued then
    perform pg_advisory_xact_lock(hashtextextended('jobmaster', 0));
  end if;
  moment := jobmaster.clock();
  until := moment + (request ->> 'lease_ms')::double precision * interval '1 millisecond';

  for round in 1 .. 10 loop
    -- Which tasks may start a job, unless too much runs.
    select
      array_agg(task.id),
      array_agg(task.name),
      array_agg(task.room),
      array_agg(task.process_units),
      array_agg(task.dependent),
      array_agg(task.limited)
    into able, names, slots, units, special, limited
    from (
      select
        task.id,
        to_json(task.type_key || '.' || task.task_key)::text as name,
        case when task.process_limit_per is null then task.process_limit end as room,
        task.process_units,
        -- By arguments, or by time: see limited.
        task.process_limit_per is not null or task.rate_limit is not null as limited,
        exists (select from jobmaster.dependencies dependency where dependency.task_id = task.id) as dependent
      from jobmaster.tasks task
      where task.retired_at is null
        and task.paused_at is null
        and not exists (select from jobmaster.systems pool where pool.name = on_system and pool.paused_at is not null)
        and task.process_units <= all_units
        and task.hash = hashes ->> (task.type_key || '.' || task.task_key)
        and (
          task.timeout_ms is null
          or task.timeout_ms <= (request ->> 'time_left_ms')::double precision
          or (request ->> 'started')::integer = 0
        )
    ) task;

    -- What runs: live leases, summed. No claim below the number since runs any more, as an earlier answer said; it keeps
    -- this from wading through dead entries of the index while somebody holds an old snapshot.
    if round = 1 or claim_number is not null then
      select
        exists (select from jobmaster.jobs job where job.status = 'waiting' and job.suspect),
        all_units - coalesce(sum(job.process_units) filter (where job.system = on_system), 0),
        min(job.claim),
        coalesce(min(job.claim), since),
        bool_or(job.lease_until <= moment),
        bool_or(job.sequence = call and job.invocation = me),
        array_agg(job.id) filter (where job.cancel_requested_at is not null and job.invocation = me)
      into has_suspects, free_units, oldest, since, expired, again, asked
      from jobmaster.jobs job
      where job.status = 'running' and job.claim >= since;
    end if;

    if round = 1 and again then
      -- The same call once more: its answer was lost. It gets what it had taken, and no more.
      select
        '[' || string_agg(concat_ws(
          ',', job.id, to_json(task.type_key || '.' || task.task_key), job.attempt, job.priority, job.args,
          coalesce(job.error -> 'message', case when job.trace is not null then 'null'::jsonb end),
          to_json(job.trace)
        ), '],[') || ']',
        array_agg(job.id),
        bool_or(job.suspect)
      into jobs, chosen, alone
      from jobmaster.jobs job
      join jobmaster.tasks task on task.id = job.task_id
      where job.status = 'running' and job.claim >= since and job.invocation = me and job.sequence = call;
      met := (jobmaster.freshness(chosen, moment)).met;
      after_id := null;
      exit;
    end if;

    -- How many of each may start now, where that is less than any number; and which could, were they not too heavy just now.
    heavy := null;
    if oldest is not null and 0 < any (slots) or free_units < any (units) then
      select
        array_agg(task.id) filter (where task.units <= free_units),
        array_agg(task.name) filter (where task.units <= free_units),
        array_agg(task.room - coalesce(busy.jobs, 0)) filter (where task.units <= free_units),
        array_agg(task.units) filter (where task.units <= free_units),
        array_agg(task.dependent) filter (where task.units <= free_units),
        array_agg(task.limited) filter (where task.units <= free_units),
        array_agg(task.id) filter (where task.units > free_units)
      into able, names, slots, units, special, limited, heavy
      from unnest(able, names, slots, units, special, limited) task (id, name, room, units, dependent, limited)
      left join (
        select job.task_id, count(*)::integer as jobs
        from jobmaster.jobs job
        where job.status = 'running' and job.claim >= since
        group by job.task_id
      ) busy on busy.task_id = task.id
      where (task.room > coalesce(busy.jobs, 0)) is not false;
    end if;
    exit when able is null;
    -- Most often all weigh the same: then none is looked up.
    common_units := case when units[1] = all (units) then units[1] end;

    -- The head of the queue, which is what is taken unless some job in it may not run.
    from_top := after_id is null;
    has_special := true;
    if common_units is not null and (wanted <= all (slots)) is not false and not true = any (special || limited) then
      -- All alike, and no limit is less than what is wanted: then nothing is judged task by task.
      select array_agg(head.id), max(head.rank), bool_and(head.task_id = any (able)), bool_or(head.expands)
      into chosen, last_rank, in_order, has_special
      from (
        select job.id, job.task_id, job.rank, job.expands
        from jobmaster.jobs job
        where job.status = 'waiting' and not job.suspect and (job.rank, job.id) > (coalesce(after_rank, -2147483648), coalesce(after_id, 0))
        order by job.rank, job.id
        limit wanted
        for update skip locked
      ) head;
      in_order := in_order and cardinality(chosen) * common_units <= free_units;
    end if;
    if has_special then
      with head as materialized (
        select job.id, job.task_id, job.rank, job.expands
        from jobmaster.jobs job
        where job.status = 'waiting' and not job.suspect and (job.rank, job.id) > (coalesce(after_rank, -2147483648), coalesce(after_id, 0))
        order by job.rank, job.id
        limit wanted
        for update skip locked
      ), load as (
        select head.task_id, count(*) as jobs, bool_or(head.expands) as expands, max(head.rank) as last_rank
        from head
        group by head.task_id
      ), judged as (
        -- By its place among those that may start, and no join, which reads all of them for each.
        select
          bool_and(may.place is not null and not limited[may.place] and (load.jobs <= slots[may.place]) is not false) as each_fits,
          sum(load.jobs * units[may.place]) as weight,
          bool_or(load.expands or special[may.place]) as some_special,
          bool_or(load.expands or special[may.place]) and not bool_and(special[may.place] and not load.expands) as mixed,
          max(load.last_rank) as last_rank
        from load
        cross join lateral (select array_position(able, load.task_id) as place) may
      )
      -- Arrays of subselects: each aggregate costs a call as much as a fifth of a job.
      select
        nullif(array(select head.id from head), '{}'),
        judged.last_rank,
        judged.each_fits and judged.weight <= free_units,
        judged.some_special,
        judged.mixed,
        case when judged.mixed then nullif(array(select head.id from head where head.expands), '{}') end,
        case when judged.mixed then nullif(array(select head.id from head where not head.expands and special[array_position(able, head.task_id)]), '{}') end,
        case when judged.mixed then array(
          select head.id from head where not head.expands and (special[array_position(able, head.task_id)]) is not true
        ) end
      into chosen, last_rank, in_order, has_special, mixed, expanding, dependent, plain
      from judged;
      if has_special and not mixed then
        -- All have dependencies, and none expands.
        dependent := chosen;
        plain := '{}';
      end if;
    end if;

    if has_suspects and in_order then
      -- One that has waited too long is not passed over.
      in_order := not exists (
        select
        from jobmaster.jobs job
        where job.status = 'waiting'
          and job.suspect
          and job.run_at <= moment - interval '1 minute'
          and job.task_id = any (able || heavy)
      );
    end if;
    if not in_order then
      chosen := jobmaster.choose(able, slots, units, heavy, free_units, wanted, on_system, moment, since);
      has_special := true;
    end if;

    -- A job whose invocation died is tried alone, when it is its turn and nothing else is held: see take_back.
    if has_suspects and round = 1 and (request ->> 'held')::integer = 0 and (request ->> 'beside')::boolean is not true then
      select job.id, job.rank
      into suspect
      from jobmaster.jobs job
      where job.status = 'waiting'
        and job.suspect
        and job.task_id = any (able)
        and (
          not true = any (limited)
          or (select jobmaster.may_start(task, job.args, since, moment) from jobmaster.tasks task where task.id = job.task_id)
        )
      order by job.rank, job.id
      limit 1
      for update skip locked;
      alone := found and not exists (
        select
        from jobmaster.jobs job
        where job.id = chosen[1] and (job.rank, job.id) < (suspect.rank, suspect.id)
      );
    end if;

    if alone then
      chosen := array[suspect.id];
      in_order := false;
      has_special := true;
      wanted := 1;
    elsif chosen is null then
      exit when from_top;
      after_id := null;
      after_rank := null;
      continue;
    elsif chosen = '{}' then
      exit;
    end if;
    last_id := chosen[cardinality(chosen)];

    moved := false;
    problems := null;
    ready := null;
    if has_special then
      if in_order then
        chosen := plain;
      else
        select
          array_agg(job.id order by job.rank, job.id) filter (where job.expands),
          array_agg(job.id order by job.rank, job.id) filter (where not job.expands and may.dependent),
          coalesce(array_agg(job.id) filter (where not job.expands and not may.dependent), '{}')
        into expanding, dependent, chosen
        from jobmaster.jobs job
        join unnest(able, special) may (id, dependent) on may.id = job.task_id
        where job.id = any (chosen);
      end if;
      if expanding is not null then
        -- One a round: one may have 10,000 children.
        children := children + jobmaster.expand(expanding[1:1], moment);
        expanded := expanded + 1;
        moved := true;
      end if;
      if dependent is not null then
        select * into seen from jobmaster.freshness(dependent, moment);
        chosen := chosen || seen.fresh;
        if seen.stale is not null then
          select * into looked from jobmaster.look(seen.stale, moment);
          problems := nullif(looked.problems, '{}');
          blocked := blocked + looked.blocked;
          contended := contended + looked.contended;
          moved := moved or looked.blocked > 0 or looked.contended > 0;
          ready := looked.ready;
          chosen := chosen || ready;
        end if;
      end if;
      if in_order and cardinality(expanding) > 1 then
        -- The next one expands in the next round. What stands behind it waits for its children.
        select coalesce(array_agg(job.id), '{}')
        into chosen
        from jobmaster.jobs job
        join jobmaster.jobs next on next.id = expanding[2]
        where job.id = any (chosen) and (job.rank, job.id) < (next.rank, next.id);
      end if;
      if moved and not in_order then
        -- What stands behind a job that does not run after all was chosen with that job's units kept free: once more.
        select coalesce(array_agg(job.id), '{}')
        into chosen
        from jobmaster.jobs job
        where job.id = any (chosen)
          and ((job.rank, job.id) < (
            select other.rank, other.id
            from jobmaster.jobs other
            where other.id = any (expanding[1:1] || dependent) and other.status in ('expanded', 'blocked')
            order by other.rank, other.id
            limit 1
          )) is not false;
      end if;
      if dependent is not null then
        -- Each is told of once: where another round may take some of them, or something completed between the two looks,
        -- those that are taken are looked at once more.
        if ready is not null or cardinality(expanding) > 1 or moved and not in_order then
          seen := jobmaster.freshness(chosen, moment);
        end if;
        met := nullif(concat_ws(',', met, seen.met), '');
      end if;
    end if;

    taken_count := 0;
    if chosen <> '{}' then
      claim_number := coalesce(claim_number, nextval('jobmaster.claims'));
      with taken as (
        update jobmaster.jobs job
        set status = 'running',
          attempt = job.attempt + 1,
          started_at = moment,
          lease_until = until,
          claim = claim_number,
          invocation = me,
          sequence = call,
          system = on_system,
          process_units = coalesce(common_units, units[array_position(able, job.task_id)]),
          blocked_at = null,
          -- A job that cannot be run is handed out with the reason, for the invocation to fail it.
          error = case
            when problems is not null and problems ? job.id::text
            then jsonb_build_object('name', 'DependencyFailed', 'message', problems ->> job.id::text)
          end
        where job.id = any (chosen)
        -- A list of JSON as text, as it is sent: what is built as jsonb is taken apart again, and json_build_array looks
        -- the type of each value up. What is null is left out, and a literal would cost as much as a value.
        returning concat_ws(
          ',', job.id, names[array_position(able, job.task_id)], job.attempt, job.priority, job.args,
          coalesce(job.error -> 'message', case when job.trace is not null then 'null'::jsonb end),
          to_json(job.trace)
        ) as job
      )
      select
        count(*),
        '[' || string_agg(job, '],[') || ']'
      into taken_count, taken
      from taken;
      jobs := nullif(concat_ws(',', jobs, taken), '');
      if true = any (limited) then
        perform jobmaster.note_starts(chosen, moment);
      end if;
    end if;

    wanted := wanted - taken_count;
    if in_order and not moved then
      after_rank := last_rank;
      after_id := last_id;
    else
      -- What this round put into the queue, or left in it, may stand before the last job taken.
      after_rank := null;
      after_id := null;
    end if;
    exit when alone or wanted <= 0 or contended > 0 or children > 1000 or (not moved and (from_top or not in_order));
    if not moved then
      after_rank := null;
      after_id := null;
    end if;
  end loop;

  if oldest is null and claim_number is not null then
    since := claim_number;
  end if;
  if expired then
    -- An invocation is over with the last of its leases: see take_back.
    expired := exists (
      select
      from jobmaster.jobs job
      where job.status = 'running' and job.claim >= since
      group by job.invocation
      having max(job.lease_until) <= moment
    );
  end if;
  told := jsonb_build_object(
    'expanded', expanded,
    'blocked', blocked,
    'contended', contended,
    'queued', queued,
    'cancel', asked,
    'expired', expired,
    'alone', alone and jobs is not null,
    -- Only by a call that has written, whose answer waits for the log: what it rests on may be a settle that has not reached
    -- the disk yet, and a crash would undo.
    'since', case when claim_number is not null then since end,
    'after', case when after_id is not null then jsonb_build_array(after_rank, after_id) end
  );
end
$fn$;
