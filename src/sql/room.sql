-- How many of the first jobs that wait could run at once now, besides those that run: at most so many. It is what more
-- invocations with these tasks (name: hash) would find to do on the system. A look, not a promise: locks nothing.
create or replace function jobmaster.room(system_name text, units integer, hashes jsonb, most integer)
returns integer
language sql stable
security definer
set search_path = pg_catalog, pg_temp
as $fn$
  with running as materialized (
    select task_id, system, process_units
    from jobmaster.jobs
    where status = 'running' and lease_until > jobmaster.clock()
  ), first as materialized (
    select id, rank, task_id, process_units
    from jobmaster.jobs
    where status = 'waiting'
    order by rank, id
    limit most
  ), allowed as (
    select
      first.rank,
      first.id,
      first.process_units,
      task.process_limit - (select count(*) from running where running.task_id = task.id) as places,
      row_number() over (partition by first.task_id order by first.rank, first.id) as place
    from first
    join jobmaster.tasks task on task.id = first.task_id
    where task.retired_at is null
      and task.paused_at is null
      and not exists (select from jobmaster.systems where name = system_name and paused_at is not null)
      and task.hash = hashes ->> (task.type_key || '.' || task.task_key)
  ), fitting as (
    select sum(process_units) over (order by rank, id) as needed
    from allowed
    where places is null or place <= places
  )
  select count(*)::integer
  from fitting
  where needed <= units - (select coalesce(sum(process_units), 0) from running where system = system_name)
$fn$;
