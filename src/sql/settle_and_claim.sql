-- The hot path: hands in the outcomes of what an invocation ran, and takes what it runs next, in one statement.
-- One argument and one answer, so that its signature never changes.
--
-- request: {"version": 1,                      of this request
--   "invocation": uuid, "sequence": 1, 2, …    who calls, and which of its calls this is: a repeat has the same number
--   "system": text, "units": integer           where it runs, and the process units there
--   "tasks": {"cool.bar": hash, …}             what its code can run
--   "completed", "outcomes"                    see settle
--   "limit": integer                           how many jobs it wants; 0 to settle and leave
--   "lease_ms", "time_left_ms"                 until its lease ends, and until its deadline: never a time, only how long
--   "started": integer                         how many jobs it has started
--   "held": integer                            how many jobs it runs, beside those it settles here
--   "beside": boolean                          it has claimed others that it has not begun, or is claiming them now
--   "repeat": boolean                          the answer to the first try of this call was lost
--   "notes": […]                               progress and log of what runs and ran here: see note
--   "ticks"                                    see add_ticks: what the last answer's "schedules" asked for
--   "keep": {"completed", "failed"}            how long finished jobs are kept, in seconds; what is null or left out, for ever
--   "since", "after", "take_back"}             from its last answer: since; where to go on, or null to start from the
--                                              top; expired
-- answer, as text: {"jobs": [[id, task, attempt, priority, args, problem, trace], …] in any order, the last two left out
--     where they are null,
--   "met": see freshness,
--   "completed", "settled", "refused", "dependents": see settle,
--   "expanded", "blocked", "contended": how many jobs,
--   "queued": boolean                          another claim was under way, and this one waited for it
--   "cancel": [id, …] or null                  this invocation's, running, and asked to stop
--   "expired": boolean or null                 leases have run out: hand that back as take_back
--   "alone": boolean                           the one job taken has lost its invocation before: claim nothing beside it
--   "since", "after"                           hand these back; since null: the one from before holds
--   "took_ms": number                          what the call took here, its waits included: the rest is the way to it
--   "schedules", "overdue"                     where some schedule is due: see fire
--   and when no job was taken:
--   "stop": "empty" | "capacity" | "deadline" | "paused"  why: nothing that this code runs is waiting; the limits; the
--                                              time left; the system, or every task that has jobs waiting, is paused
--   "remaining": integer                       how many jobs are waiting all the same
--   "wake_ms": integer or null                 until something is due by itself: a delay, a back-off, a lease's end
--   "rate_ms": number or null                  until a rate lets a waiting job start
--   "skew": [task, …]}                         whose waiting jobs are for other code than the caller's
--
-- Settling comes first and may wait for rows; then the claim, under its lock, which waits for none. No lock is taken
-- when nothing is waiting, unless the call goes on after its last claim. READ COMMITTED is needed: each statement here must see what was committed before it.
create or replace function jobmaster.settle_and_claim(request jsonb)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
-- The plans are for a table of any size: a plan made while it was empty stays in a pooled connection.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $fn$
declare
  moment timestamptz;
  answer jsonb := '{}';
  some_waiting boolean;
  some_due boolean;
  some_scheduled boolean;
  swept integer;
  claimed record;
  jobs text;
  met text;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform jobmaster.read_committed();
  end if;
  if (request ->> 'version')::integer <> 1 then
    raise exception using
      errcode = 'JM010',
      message = format('this database speaks version 1 of JobMaster''s protocol, and the caller version %s', request ->> 'version'),
      hint = 'Run jobmaster deploy with the newer of the two.';
  end if;

  if jsonb_typeof(request -> 'completed') = 'array' then
    -- As code of an earlier version says it, which may drain while the new one is deployed: [[id, attempt, result], …].
    select request || jsonb_build_object('completed', jsonb_build_object(
      'ids', coalesce(array_agg((value ->> 0)::bigint), '{}')::text,
      'attempts', coalesce(array_agg((value ->> 1)::integer), '{}')::text,
      'results', coalesce(jsonb_object_agg(value ->> 0, value -> 2) filter (where value -> 2 is not null), '{}')
    ))
    into request
    from jsonb_array_elements(request -> 'completed');
  end if;

  if request -> 'completed' ->> 'ids' <> '{}' or jsonb_array_length(request -> 'outcomes') > 0 then
    answer := jobmaster.settle(request);
    if jsonb_array_length(request -> 'outcomes') > 0 then
      perform jobmaster.forget_starts(request);
    end if;
  end if;

  if request ? 'notes' then
    perform jobmaster.note(request -> 'notes', (request ->> 'invocation')::uuid, jobmaster.clock());
  end if;

  if (request ->> 'sequence')::integer % 100 = 1 then
    perform jobmaster.merge_tallies(jobmaster.clock());
  end if;
  if request ? 'keep' then
    -- Assigned, here and below, as a query of its own costs more.
    swept := jobmaster.sweep(
      (request -> 'keep' ->> 'completed')::double precision * interval '1 second',
      (request -> 'keep' ->> 'failed')::double precision * interval '1 second',
      greatest(500, 2 * cardinality((request -> 'completed' ->> 'ids')::bigint[])),
      jobmaster.clock()
    );
  end if;

  if request ? 'ticks' then
    perform jobmaster.add_ticks(request -> 'ticks');
  end if;

  if (request ->> 'limit')::integer > 0 then
    moment := jobmaster.clock();
    if (request ->> 'sequence')::integer = 1 then
      perform jobmaster.note_system(request ->> 'system', (request ->> 'units')::integer);
    end if;
    if (request ->> 'sequence')::integer = 1 or (request ->> 'take_back')::boolean then
      if exists (select from jobmaster.jobs where status = 'running' and lease_until <= moment) then
        perform jobmaster.take_back(moment);
      end if;
    end if;
    -- Asked together, since each question of its own costs a call as much as three jobs. Where the last answer said where to
    -- go on, that is the place to look: from the start of the index this would wade through all that has been taken, whose
    -- entries stay while somebody holds an old snapshot.
    select
      request ->> 'after' is not null or exists (select from jobmaster.jobs where status = 'waiting'),
      exists (select from jobmaster.jobs where status = 'scheduled' and run_at <= moment),
      exists (select from jobmaster.schedules where due_at <= moment)
    into some_waiting, some_due, some_scheduled;
    if some_due then
      perform jobmaster.promote(moment);
    end if;
    if some_scheduled then
      answer := answer || jobmaster.fire(moment);
    end if;
    if some_due or some_scheduled then
      some_waiting := exists (select from jobmaster.jobs where status = 'waiting');
    end if;
    if some_waiting or (request ->> 'repeat')::boolean then
      claimed := jobmaster.claim(request);
      jobs := claimed.jobs;
      met := claimed.met;
      answer := answer || claimed.told;
    end if;
  end if;

  if jobs is null then
    answer := answer || jobmaster.idle(request);
  end if;
  -- The answer is never an empty object. In brackets, so that the jobs, which are long, are copied twice and not with each piece.
  return '{"jobs":[' || coalesce(jobs, '') || ('],"met":[' || coalesce(met, '') || ('],"took_ms":'
    || round(extract(epoch from clock_timestamp() - statement_timestamp()) * 1000, 1) || ',' || substr(answer::text, 2)));
end
$fn$;

-- What a drain calls: the same, and others may claim while the commit is on its way to the disk. The lock of claims is held
-- until a commit has ended, and the most of that is to wait for the disk, or for the machines that keep the log. So this
-- commits without waiting, and then waits for a record that stands behind it in the log: what is answered is as durable as
-- after any commit, and what was lost before that nobody was told. A caller that is slow to read keeps no lock either.
-- It has the rights of its caller, as all must that ends transactions; everybody may call it, since it does nothing that
-- its caller may not.
create or replace procedure jobmaster.settle_and_claim(request jsonb, inout answer text)
language plpgsql
as $fn$
declare
  place pg_lsn;
begin
  answer := jobmaster.settle_and_claim(request);
  if pg_catalog.pg_current_xact_id_if_assigned() is null
    and not pg_catalog.starts_with(answer, '{"jobs":[[')
    and (request operator(pg_catalog.->>) 'repeat')::boolean is not true
  then
    return;
  end if;
  set local synchronous_commit = off;
  commit;
  -- With the setting of the session: it waits for what the session's commits wait for.
  place := pg_catalog.pg_logical_emit_message(true, 'jobmaster', '');
end
$fn$;
