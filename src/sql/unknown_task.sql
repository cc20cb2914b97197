-- The message for a task that is not there: what is known, so that a slip of the pen is seen.
create or replace function jobmaster.unknown_task(name text)
returns text
language sql stable
as $fn$
  select format('unknown task %s (%s)', coalesce(left(name, 401), 'null'), coalesce(
    (
      select 'it is retired: no deployed code has it'
      from jobmaster.tasks task
      where task.type_key || '.' || task.task_key = name and task.retired_at is not null
    ),
    (
      select format('known in %s: %s', min(task.type_key), string_agg(task.task_key, ', ' order by task.task_key))
      from jobmaster.tasks task
      where task.type_key = substring(name from '^(.*)\.') and task.retired_at is null
      having count(*) > 0
    ),
    (
      select 'known type keys: ' || string_agg(distinct task.type_key, ', ' order by task.type_key)
      from jobmaster.tasks task
      where task.retired_at is null
    ),
    'no task is deployed: deploy first'
  ))
$fn$;
