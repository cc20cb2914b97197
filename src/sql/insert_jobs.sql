-- Inserts jobs, all or none: [{"task": "cool.bar", "args": {…}, "priority": 10, "run_at": "…", "trace": "00-…"}, …].
-- trace is a W3C traceparent: whatever runs the job links to it.
-- Returns {"ids": [id, …] in the order given, "scheduled": [id, …] of those set for later, or null, "created_at": "…",
-- "tasks": {name: [max_attempts, process_units, defaults], …}}. What is stored as args is the defaults with those given.
-- Where some wait for a group, or have to be unique, all are left to insert_waiting_jobs or insert_unique_jobs; an object in
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
  is_special boolean;
  to_key bigint[];
  answer jsonb;
begin
  if jsonb_typeof(items) = 'object' then
    return jobmaster.insert_group(items);
  end if;

  with known as materialized (
    select
      named.name,
      named.are_special or (task.unique_rule is not null and named.are_plain) as are_special,
      task.id as task_id,
      task.max_attempts,
      task.process_units,
      coalesce(task.process_limit_per, task.rate_limit_per) as per,
      task as definition,
      test.*,
      test.asked = '{}' as all_in_path,
      exists (select from jobmaster.shapes shape where shape.task_id = task.id) as have_keys,
      param.*
    from (
      select name, count(*) as jobs, bool_or(special) as are_special, bool_or(special is null) as are_plain
      from (
        select
          value ->> 'task' as name,
          case
            when value ?| '{after,unique,unique_key,debounce_seconds}' then value ? 'after' or value -> 'unique' is distinct from 'false'
          end as special
        from jsonb_array_elements(items)
      ) item
      group by name
    ) named
    left join lateral jobmaster.task_named(named.name) task on true
    -- To make it takes as long as to check one job.
    left join lateral jobmaster.quick_test(case when named.jobs > 1 then task.params end) test on true
    cross join lateral (
      select
        coalesce(jsonb_object_agg(value ->> 'name', value -> 'default') filter (where (value ->> 'has_default')::boolean), '{}') as defaults,
        array_agg(value ->> 'name') filter (where (value ->> 'write_all')::boolean) as write_all
      from jsonb_array_elements(task.params)
    ) param
  ), made as (
    insert into jobmaster.jobs (id, task_id, status, priority, rank, args, expands, max_attempts, process_units, created_at, run_at, trace, limit_key, group_id)
    overriding system value
    select
      id,
      task_id,
      case when run_at > moment then 'scheduled' else 'waiting' end,
      coalesce(priority, 0),
      -coalesce(priority, 0),
      complete,
      write_all is not null and exists (select from unnest(write_all) name where complete ->> name = 'ALL'),
      max_attempts,
      process_units,
      moment,
      coalesce(run_at, moment),
      left(trace, 55),
      jobmaster.limit_key(per, complete),
      group_id
    from (
      select
        item.id,
        item.priority,
        item.run_at,
        item.value ->> 'trace' as trace,
        (item.value ->> 'group')::bigint as group_id,
        known.task_id,
        known.max_attempts,
        known.process_units,
        known.per,
        known.write_all,
        case
          when case
            when item.args @@ known.path
            then item.args - known.names = '{}'
              and jobmaster.out_of_bounds(item.priority, item.run_at) is null
              and case when known.closed and pg_column_size(item.args) <= 8000 then true else jobmaster.is_modest(item.args) end
              and (known.all_in_path or not exists (
                select
                from unnest(known.asked, known.schemas, known.fewest, known.most) param (name, schema, fewest, most)
                where (octet_length(item.args ->> param.name) <= most and char_length(item.args ->> param.name) >= fewest) is not true
                  and jobmaster.check_value(param.schema, item.args -> param.name) is not null
              ))
          end
          then known.defaults || item.args
          else jobmaster.checked_arguments(known.definition, item.value, items)
        end as complete
      from (
        -- Numbered here, where they are in the order given, whatever becomes of it.
        select
          nextval('jobmaster.jobs_id_seq') as id,
          value,
          value ->> 'task' as name,
          coalesce(value -> 'args', '{}') as args,
          (value ->> 'priority')::numeric as priority,
          (value ->> 'run_at')::timestamptz as run_at
        from jsonb_array_elements(items)
      ) item
      left join known on known.name = item.name
      where (select bool_or(are_special) from known) is not true
      -- So that complete is worked out once.
      offset 0
    ) ready
    returning id, status
  )
  select
    (
      -- What is the same for all is said once: a row a job would take longer to make than the job.
      select jsonb_build_object(
        'ids', to_jsonb(array_agg(id order by id)),
        'scheduled', to_jsonb(array_agg(id) filter (where status = 'scheduled')),
        'created_at', moment,
        'tasks', (select jsonb_object_agg(name, jsonb_build_array(max_attempts, process_units, defaults)) filter (where task_id is not null) from known)
      )
      from made
    ),
    (select array_agg(id) from made where (select bool_or(have_keys) from known)),
    (select bool_or(are_special) from known)
  into answer, to_key, is_special;

  if is_special then
    return case
      when jsonb_path_exists(items, '$[*].after') then jobmaster.insert_waiting_jobs(items)
      else jobmaster.insert_unique_jobs(items)
    end;
  end if;
  if to_key is not null then
    perform jobmaster.write_keys(to_key);
  end if;
  return answer;
end
$fn$;
