-- Inserts one job and returns its id, for any client that speaks SQL. Raises JM001 to JM009 when it is refused.
-- The overload on text makes an untyped literal unambiguous.
create or replace function jobmaster.enqueue(
  type_key text, task_key text, args jsonb, priority integer default 0, run_at timestamptz default null
)
returns bigint
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  return jobmaster.insert_jobs(jsonb_build_array(jsonb_build_object(
    'task', type_key || '.' || task_key,
    'args', coalesce(args, 'null'),
    'priority', priority,
    'run_at', run_at
  ))) -> 'ids' -> 0;
end
$fn$;

create or replace function jobmaster.enqueue(
  type_key text, task_key text, args json, priority integer default 0, run_at timestamptz default null
)
returns bigint
language sql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
  select jobmaster.enqueue(type_key, task_key, args::jsonb, priority, run_at)
$fn$;

create or replace function jobmaster.enqueue(
  type_key text, task_key text, args text default '{}', priority integer default 0, run_at timestamptz default null
)
returns bigint
language sql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
  select jobmaster.enqueue(type_key, task_key, args::jsonb, priority, run_at)
$fn$;
