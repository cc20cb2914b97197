-- Inserts jobs, all or none: [{"task": "cool.bar", "args": {…}, "priority": 10, "run_at": "…", "trace": "00-…"}, …].
-- trace is a W3C traceparent: whatever runs the job links to it.
-- Returns [[id, status, max_attempts, process_units, created_at, run_at, args], …] in the order given, args as stored:
-- with their defaults.
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
  with item as materialized (
    select
      ordinality as position,
      value ->> 'task' as name,
      coalesce(value -> 'args', '{}') as args,
      coalesce((value ->> 'priority')::numeric, 0) as priority,
      coalesce((value ->> 'run_at')::timestamptz, moment) as run_at,
      left(value ->> 'trace', 55) as trace
    from jsonb_array_elements(items) with ordinality
  ), checked as materialized (
    select
      item.*,
      task.id as task_id,
      task.max_attempts,
      task.process_units,
      found.complete,
      found.expands,
      case
        when task.id is null then 'JM001'
        when item.priority not between -1000000000 and 1000000000 or item.priority % 1 <> 0 then 'JM008'
        -- Infinity, and years that other languages do not read, would stand in the way of every claim.
        when item.run_at not between timestamptz '0001-01-01 00:00:00Z' and timestamptz '9999-12-31 00:00:00Z' then 'JM008'
        else found.code
      end as code,
      found.problem,
      found.argument
    from item
    -- The task's key is what follows the last dot.
    left join jobmaster.tasks task
      on task.type_key = substring(item.name from '^(.*)\.')
      and task.task_key = substring(item.name from '[^.]*$')
      and task.retired_at is null
    -- Called for an unknown task too: without arguments it looks at none.
    left join lateral jobmaster.check_arguments(task, case when task.id is not null then item.args end) found
      on task.id is not null
  ), made as (
    insert into jobmaster.jobs (task_id, status, priority, args, expands, max_attempts, process_units, created_at, run_at, trace)
    select
      task_id,
      case when run_at > moment then 'scheduled' else 'waiting' end,
      priority,
      complete,
      expands,
      max_attempts,
      process_units,
      moment,
      run_at,
      trace
    from checked
    where not exists (select from checked where code is not null)
    order by position
    returning id, task_id, status, max_attempts, process_units, created_at, run_at, args
  )
  select
    (
      select jsonb_agg(jsonb_build_array(id, status, max_attempts, process_units, created_at, run_at, args) order by id)
      from made
    ),
    (select array_agg(id) from made where task_id in (select shape.task_id from jobmaster.shapes shape)),
    (select to_jsonb(checked) - 'complete' from checked where code is not null order by position limit 1)
  into inserted, to_key, refusal;

  if refusal is not null then
    raise exception using
      errcode = refusal ->> 'code',
      message = case refusal ->> 'code'
        when 'JM001' then jobmaster.unknown_task(refusal ->> 'name')
        when 'JM008' then refusal ->> 'name' || case
          when (refusal ->> 'priority')::numeric between -1000000000 and 1000000000 and (refusal ->> 'priority')::numeric % 1 = 0
          then ': run_at must be a time in the years 1 to 9999, got ' || (refusal ->> 'run_at')
          else ': priority must be a whole number between -1000000000 and 1000000000, got ' || (refusal ->> 'priority')
        end
        else refusal ->> 'problem'
      end,
      detail = format('job %s of %s; none was inserted', refusal ->> 'position', jsonb_array_length(items)),
      -- For callers that point at what is wrong.
      column = coalesce(refusal ->> 'argument', case
        when refusal ->> 'code' <> 'JM008' then ''
        when (refusal ->> 'priority')::numeric between -1000000000 and 1000000000 and (refusal ->> 'priority')::numeric % 1 = 0 then 'runAt'
        else 'priority'
      end);
  end if;
  if to_key is not null then
    perform jobmaster.write_keys(to_key);
  end if;
  return coalesce(inserted, '[]');
end
$fn$;
