-- How many of the first jobs that wait could run at once now, besides those that run: at most so many. It is what more
-- invocations with these tasks (name: hash) would find to do on the system. A look, not a promise: locks nothing.
create or replace function jobmaster.room(system_name text, units integer, hashes jsonb, most integer)
returns integer
language sql volatile
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
  ), limited as (
    select first.id
    from jobmaster.tasks task
    cross join lateral jobmaster.limited(task, most, 0, jobmaster.clock()) first
    where task.process_limit_per is not null or task.rate_limit is not null
  ), allowed as (
    select
      first.rank,
      first.id,
      first.process_units,
      case when task.process_limit_per is null then task.process_limit end - (select count(*) from running where running.task_id = task.id) as places,
      row_number() over (partition by first.task_id order by first.rank, first.id) as place
    from first
    join jobmaster.tasks task on task.id = first.task_id
    where task.retired_at is null
      and ((task.process_limit_per is null and task.rate_limit is null) or first.id in (select limited.id from limited))
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
