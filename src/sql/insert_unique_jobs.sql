-- Inserts jobs, as insert_jobs does, where some have to be unique: {"unique": "waiting" | "active" | {"withinSeconds": n},
-- "unique_key": text, "debounce_seconds": n} in an item, or the rule of its task. Where there is such a job already with that
-- key, of the same task, its id is answered in place of a new one's. "jobs" of the answer has, by their positions from 0, those
-- that were there, "existing", and those that are put off, as they are now; the rest of the answer is insert_jobs'.
-- Exact under concurrency: the row of each key is locked, in the order of keys, before a job is looked for, and until the
-- transaction ends. A job that is answered as one that waits is locked too, so that it starts only once this transaction
-- has committed, and sees what it wrote. Raises as insert_jobs does.
create or replace function jobmaster.insert_unique_jobs(items jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
  moment timestamptz;
  wishes jsonb;
  refused record;
  one record;
  item jsonb;
  due_at timestamptz;
  same bigint;
  answer jsonb;
  fresh jsonb[] := '{}';
  new_keys bigint[] := '{}';
  existing integer[] := '{}';
  told integer[] := '{}';
  ids bigint[] := '{}';
begin
  select jsonb_agg(jsonb_build_object(
    'position', ordinality,
    'task_id', task.id,
    'mode', wish.mode,
    'within', wish.within,
    'debounce', wish.debounce,
    'key', wish.key,
    'args', checked.complete,
    'expands', checked.expands,
    'code', checked.code,
    'problem', task.type_key || '.' || task.task_key || ': ' || wish.problem,
    'option', wish.option
  ) order by ordinality)
  into wishes
  from jsonb_array_elements(items) with ordinality given (value, ordinality)
  left join lateral jobmaster.task_named(given.value ->> 'task') task on true
  cross join lateral jobmaster.check_job(task, given.value) checked
  left join lateral jobmaster.unique_wish(task, given.value, checked.complete) wish on checked.code is null;

  select position, code, problem, option
  into refused
  from jsonb_to_recordset(wishes) wish (position bigint, code text, problem text, option text)
  where code is not null or problem is not null
  order by position
  limit 1;
  if refused.problem is not null then
    raise exception using
      errcode = 'JM008',
      message = refused.problem,
      detail = format('job %s of %s; none was inserted', refused.position, jsonb_array_length(items)),
      column = refused.option;
  elsif refused.code is not null then
    perform jobmaster.refuse(items);
  end if;

  insert into jobmaster.unique_keys as held (task_id, key_hash, key, job_id)
  select distinct on (task_id, jsonb_hash_extended(key, 0)) task_id, jsonb_hash_extended(key, 0), key, 0
  from jsonb_to_recordset(wishes) wish (task_id integer, mode text, key jsonb)
  where mode is not null
  order by task_id, jsonb_hash_extended(key, 0)
  on conflict (task_id, key_hash) do update set key = held.key;
  perform
  from jobmaster.jobs
  where id = any (array(
    select held.job_id
    from jsonb_to_recordset(wishes) wish (task_id integer, mode text, key jsonb)
    join jobmaster.unique_keys held
      on held.task_id = wish.task_id and held.key_hash = jsonb_hash_extended(wish.key, 0) and held.key = wish.key
    where mode = 'waiting'
  ))
  order by id
  for update;
  moment := jobmaster.clock();

  for one in
    select *
    from jsonb_to_recordset(wishes) given (
      position integer, task_id integer, mode text, within double precision, debounce double precision, key jsonb, args jsonb,
      expands boolean
    )
    order by position
  loop
    item := items -> (one.position - 1) || '{"unique": false}';
    if one.debounce is not null then
      due_at := moment + one.debounce * interval '1 second';
      item := item || jsonb_build_object('run_at', due_at);
    end if;

    same := null;
    if one.mode is not null then
      -- A job of this call has no id yet: it is known by its place among the new ones, below 0.
      select held.job_id
      into same
      from jobmaster.unique_keys held
      left join jobmaster.jobs job on job.id = held.job_id
      where held.task_id = one.task_id
        and held.key_hash = jsonb_hash_extended(one.key, 0)
        and held.key = one.key
        and case
          when held.job_id < 0 then true
          when job.id is null then false
          when one.mode = 'waiting' then job.status in ('scheduled', 'waiting', 'blocked')
          when one.mode = 'active' then job.finished_at is null
          else job.created_at > moment - one.within * interval '1 second'
        end;
    end if;

    if same is null then
      fresh := array_append(fresh, item);
      same := - cardinality(fresh);
      if one.mode is not null then
        update jobmaster.unique_keys
        set job_id = same, key = one.key
        where task_id = one.task_id and key_hash = jsonb_hash_extended(one.key, 0);
        new_keys := new_keys || array[array[one.task_id, jsonb_hash_extended(one.key, 0)]];
      end if;
      if one.debounce is not null then
        told := told || one.position;
      end if;
    else
      existing := existing || one.position;
      told := told || one.position;
      if one.debounce is not null and same < 0 then
        fresh[- same] := item;
      elsif one.debounce is not null then
        perform jobmaster.debounce(same, one.args, one.expands, due_at);
      end if;
    end if;
    ids := ids || same;
  end loop;

  answer := jsonb_build_object('scheduled', null, 'created_at', moment, 'tasks', '{}'::jsonb);
  if cardinality(fresh) > 0 then
    answer := jobmaster.insert_jobs(to_jsonb(fresh));
    select array_agg(case when id < 0 then (answer -> 'ids' ->> (- id - 1)::integer)::bigint else id end order by position)
    into ids
    from unnest(ids) with ordinality given (id, position);
    update jobmaster.unique_keys held
    set job_id = (answer -> 'ids' ->> (- held.job_id - 1)::integer)::bigint
    from (select distinct new_keys[index][1]::integer as task_id, new_keys[index][2] as key_hash from generate_subscripts(new_keys, 1) index) mine
    where held.task_id = mine.task_id and held.key_hash = mine.key_hash;
  end if;
  return answer || jsonb_build_object('ids', to_jsonb(ids), 'jobs', coalesce(
    (
      select jsonb_object_agg(position - 1, jobmaster.told(job) || jsonb_build_object(
        'task', items -> position - 1 ->> 'task',
        -- Who may insert is told nothing of what finished jobs were given, nor of what they gave.
        'args', case when job.finished_at is null then job.args else wishes -> position - 1 -> 'args' end
      ) || case when position = any (existing) then '{"existing": true}'::jsonb else '{}' end)
      from unnest(told) position
      join jobmaster.jobs job on job.id = ids[position]
    ),
    '{}'
  ));
end
$fn$;
