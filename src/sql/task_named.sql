-- The deployed task of a name, cool.bar: its key is what follows the last dot. No row where there is none, or it is retired.
create or replace function jobmaster.task_named(name text)
returns setof jobmaster.tasks
language sql stable
as $fn$
  select *
  from jobmaster.tasks
  where type_key = substring(name from '^(.*)\.') and task_key = substring(name from '[^.]*$') and retired_at is null
$fn$;
