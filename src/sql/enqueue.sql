-- Inserts one job and returns its id, for any client that speaks SQL. Raises JM001 to JM009 when it is refused.
-- Of one that has to be unique (unique_key, unique_while => 'waiting' or 'active', within_seconds, debounce_seconds) it is the
-- id of the job that there is, if so: see insert_unique_jobs.
-- With after => array[12] it waits for these groups, and with if_failed => 'run' it runs also where one has not completed.
-- The overload on text makes an untyped literal unambiguous.
create or replace function jobmaster.enqueue(
  type_key text, task_key text, args jsonb, priority integer default 0, run_at timestamptz default null,
  unique_key text default null, unique_while text default null, within_seconds double precision default null,
  debounce_seconds double precision default null, after bigint[] default null, if_failed text default null
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
  ) || case
    when num_nonnulls(unique_key, unique_while, within_seconds, debounce_seconds) = 0 then '{}'
    else jsonb_strip_nulls(jsonb_build_object(
      'unique_key', unique_key,
      'unique', coalesce(
        to_jsonb(unique_while),
        case when within_seconds is not null then jsonb_build_object('withinSeconds', within_seconds) end
      ),
      'debounce_seconds', debounce_seconds
    ))
  end || case
    when after is null then '{}'
    else jsonb_build_object('after', jsonb_strip_nulls(jsonb_build_object('groups', after, 'ifFailed', if_failed)))
  end)) -> 'ids' -> 0;
end
$fn$;

create or replace function jobmaster.enqueue(
  type_key text, task_key text, args json, priority integer default 0, run_at timestamptz default null,
  unique_key text default null, unique_while text default null, within_seconds double precision default null,
  debounce_seconds double precision default null, after bigint[] default null, if_failed text default null
)
returns bigint
language sql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
  select jobmaster.enqueue(type_key, task_key, args::jsonb, priority, run_at, unique_key, unique_while, within_seconds, debounce_seconds, after, if_failed)
$fn$;

create or replace function jobmaster.enqueue(
  type_key text, task_key text, args text default '{}', priority integer default 0, run_at timestamptz default null,
  unique_key text default null, unique_while text default null, within_seconds double precision default null,
  debounce_seconds double precision default null, after bigint[] default null, if_failed text default null
)
returns bigint
language sql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
  select jobmaster.enqueue(type_key, task_key, args::jsonb, priority, run_at, unique_key, unique_while, within_seconds, debounce_seconds, after, if_failed)
$fn$;
