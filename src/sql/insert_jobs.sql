-- Inserts jobs, all or none: [{"task": "cool.bar", "args": {…}, "priority": 10, "run_at": "…", "trace": "00-…"}, …].
-- trace is a W3C traceparent: whatever runs the job links to it.
-- Returns {"ids": [id, …] in the order given, "scheduled": [id, …] of those set for later, or null, "created_at": "…",
-- "tasks": {name: [max_attempts, process_units, defaults], …}}. What is stored as args is the defaults with those given.
-- Where some have to be unique, or wait for a group, all are left to insert_unique_jobs or insert_waiting_jobs; an object in
-- place of the list is a group, and insert_group's.
-- Raises JM001 to JM009 for the first job that is refused. Takes no lock but those of its own rows.
create or replace function jobmaster.insert_jobs(items jsonb)
returns jsonb
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  inserted jsonb;
  to_key bigint[];
  refusal jsonb;
begin
  if jsonb_typeof(items) = 'object' then
    return jobmaster.insert_group(items);
  end if;

  with item as materialized (
    select
      ordinality as position,
      value ->> 'task' as name,
      coalesce(value -> 'args', '{}') as args,
      coalesce((value ->> 'priority')::numeric, 0) as priority,
      coalesce((value ->> 'run_at')::timestamptz, moment) as run_at,
      left(value ->> 'trace', 55) as trace,
      -- What few have, asked for once.
      case when value ?| '{unique,unique_key,debounce_seconds,after,group}' then value end as special
    from jsonb_array_elements(items) with ordinality
  ), known as materialized (
    select named.name, task.id as task_id, task.max_attempts, task.process_units, coalesce(task.process_limit_per, task.rate_limit_per) as per, task as definition, task.unique_rule is not null as is_unique, test.*, (
      select coalesce(jsonb_object_agg(param ->> 'name', param -> 'default'), '{}')
      from jsonb_array_elements(task.params) param
      where (param ->> 'has_default')::boolean
    ) as defaults
    from (select item.name, count(*) as jobs from item group by item.name) named
    -- The task's key is what follows the last dot.
    join jobmaster.tasks task
      on task.type_key = substring(named.name from '^(.*)\.')
      and task.task_key = substring(named.name from '[^.]*$')
      and task.retired_at is null
    -- Not worth making for a few jobs.
    left join lateral jobmaster.quick_test(case when named.jobs > 3 then task.params end) test on true
  ), tested as materialized (
    select
      item.*,
      known.task_id,
      known.max_attempts,
      known.process_units,
      known.per,
      known.defaults,
      known.is_unique,
      case
        when item.priority not between -1000000000 and 1000000000 or item.priority % 1 <> 0 then 'priority'
        -- Infinity, and years that other languages do not read, would stand in the way of every claim.
        when item.run_at not between timestamptz '0001-01-01 00:00:00Z' and timestamptz '9999-12-31 00:00:00Z' then 'runAt'
      end as fault,
      case
        when item.args @@ known.path
        then item.args - known.names = '{}'
          and case when known.closed and pg_column_size(item.args) <= 8000 then true else jobmaster.is_modest(item.args) end
          and (known.asked = '{}' or not exists (
            select
            from unnest(known.asked, known.schemas, known.fewest, known.most) param (name, schema, fewest, most)
            where (octet_length(item.args ->> param.name) <= most and char_length(item.args ->> param.name) >= fewest) is not true
              and jobmaster.check_value(param.schema, item.args -> param.name) is not null
          ))
      end as fits
    from item
    left join known on known.name = item.name
  ), judged as materialized (
    -- Most often all fit, and nothing more is asked of any.
    select bool_and((tested.fits and tested.fault is null and tested.special is null and not tested.is_unique) is true) as all_fit
    from tested
  ), found as materialized (
    select unsure.position, verdict.*
    from tested unsure
    join known on known.name = unsure.name
    cross join lateral jobmaster.check_arguments(known.definition, unsure.args) verdict
    where unsure.fits is not true
  ), checked as materialized (
    select
      tested.position,
      tested.name,
      tested.priority,
      tested.run_at,
      tested.trace,
      (tested.special ->> 'group')::bigint as group_id,
      tested.task_id,
      tested.max_attempts,
      tested.process_units,
      tested.per,
      case when tested.fits then tested.defaults || tested.args else found.complete end as complete,
      coalesce(found.expands, false) as expands,
      case
        when tested.task_id is null then 'JM001'
        when tested.special ? 'after' then 'after'
        when case
          when tested.special ?| '{unique,unique_key,debounce_seconds}' then tested.special -> 'unique' is distinct from 'false'
          else tested.is_unique
        end then 'unique'
        when tested.fault is not null then 'JM008'
        else found.code
      end as code,
      tested.fault,
      found.problem,
      coalesce(tested.fault, found.argument) as argument
    from tested
    left join found on found.position = tested.position
  ), refused as materialized (
    select to_jsonb(checked) - 'complete' as refusal
    from checked
    where (select all_fit from judged) is not true and code is not null
    order by position
    limit 1
  ), made as (
    insert into jobmaster.jobs (task_id, status, priority, rank, args, expands, max_attempts, process_units, created_at, run_at, trace, limit_key, group_id)
    select
      task_id,
      case when run_at > moment then 'scheduled' else 'waiting' end,
      priority,
      -priority,
      complete,
      expands,
      max_attempts,
      process_units,
      moment,
      run_at,
      trace,
      jobmaster.limit_key(per, complete),
      group_id
    from (
      select position, task_id, priority, defaults || args as complete, false as expands, max_attempts, process_units, run_at, trace, per, null::bigint as group_id
      from tested
      where (select all_fit from judged)
      union all
      select position, task_id, priority, complete, expands, max_attempts, process_units, run_at, trace, per, group_id
      from checked
      where (select all_fit from judged) is not true and not exists (select from refused)
    ) ready
    order by position
    returning id, task_id, status
  )
  select
    (
      -- What is the same for all is said once: a row a job would take longer to make than the job.
      select jsonb_build_object(
        'ids', to_jsonb(array_agg(id order by id)),
        'scheduled', to_jsonb(array_agg(id) filter (where status = 'scheduled')),
        'created_at', moment,
        'tasks', (select jsonb_object_agg(name, jsonb_build_array(max_attempts, process_units, defaults)) from known)
      )
      from made
    ),
    (select array_agg(id) from made where task_id = any (array(select shape.task_id from jobmaster.shapes shape))),
    (select refused.refusal from refused)
  into inserted, to_key, refusal;

  if refusal ->> 'code' = 'unique' then
    return jobmaster.insert_unique_jobs(items);
  elsif refusal ->> 'code' = 'after' then
    return jobmaster.insert_waiting_jobs(items);
  elsif refusal is not null then
    raise exception using
      errcode = refusal ->> 'code',
      message = coalesce(
        case when refusal ->> 'code' = 'JM001' then jobmaster.unknown_task(refusal ->> 'name') end,
        refusal ->> 'name' || case refusal ->> 'fault'
          when 'priority' then ': priority must be a whole number between -1000000000 and 1000000000, got ' || (refusal ->> 'priority')
          when 'runAt' then ': run_at must be a time in the years 1 to 9999, got ' || (refusal ->> 'run_at')
        end,
        refusal ->> 'problem'
      ),
      detail = format('job %s of %s; none was inserted', refusal ->> 'position', jsonb_array_length(items)),
      -- For callers that point at what is wrong.
      column = coalesce(refusal ->> 'argument', '');
  end if;
  if to_key is not null then
    perform jobmaster.write_keys(to_key);
  end if;
  return inserted;
end
$fn$;
