-- Chooses and locks jobs where some at the head of the queue may not run: from the heads of the tasks that may, the best
-- first, while units and slots last. able, slots and units say which tasks may, how many jobs of each, null for any number,
-- and their weight; heavy are the tasks that only want for units. Called under the claim lock; a job that somebody has locked is passed over.
--
-- A heavy job does not wait for ever behind a stream of light ones. Once one has been due for a minute, what stands behind
-- it in the queue is started only where its timeout_ms says that it ends before enough of the units in use are free: by
-- the ends of their leases, the latest that they can be held. So it is with a job that is to be tried alone: what would
-- keep this invocation from holding nothing else is not started once it has waited for a minute.
create or replace function jobmaster.choose(
  able integer[], slots integer[], units integer[], heavy integer[], free_units bigint, wanted integer, on_system text,
  moment timestamptz, since bigint
)
returns bigint[]
language plpgsql volatile
as $fn$
declare
  starving record;
  free_at timestamptz;
  candidate record;
  chosen bigint[] := '{}';
begin
  -- A task's jobs are a range here, in the order of the index by task. Were the task said to be equal, the index of all that
  -- waits would have the same order, and would be waded through for them.
  select late.rank, late.id, late.process_units
  into starving
  from (
    select head.rank, head.id, task.process_units
    from jobmaster.tasks task
    cross join lateral (
      (
        select job.rank, job.id, job.run_at
        from jobmaster.jobs job
        where task.process_limit_per is null
          and task.rate_limit is null
          and job.status = 'waiting'
          and (job.task_id, job.rank, job.id) > (task.id, -2147483648, 0)
          and job.task_id <= task.id
        order by job.task_id, job.rank, job.id
        limit 1
      )
      union all
      -- Nothing is kept for one that another limit keeps from starting.
      select job.rank, job.id, job.run_at
      from (select where task.process_limit_per is not null or task.rate_limit is not null) limits
      cross join lateral jobmaster.limited(task, 1, since, moment) first
      join jobmaster.jobs job on job.id = first.id
    ) head
    where task.id = any (heavy) and head.run_at <= moment - interval '1 minute'
    union all
    (
      select job.rank, job.id, job.process_units
      from jobmaster.jobs job
      where job.status = 'waiting'
        and job.suspect
        and not exists (
          select
          from jobmaster.tasks task
          where task.id = job.task_id and (task.process_limit_per is not null or task.rate_limit is not null)
        )
        and job.run_at <= moment - interval '1 minute'
        -- Written so that no index by task can be chosen: that of suspects is short.
        and array_position(able, job.task_id) is not null
      order by job.rank, job.id
      limit 1
    )
  ) late
  order by late.rank, late.id
  limit 1;
  if starving.id is not null then
    select min(held.lease_until)
    into free_at
    from (
      select job.lease_until, sum(job.process_units) over (order by job.lease_until) as freed
      from jobmaster.jobs job
      where job.status = 'running' and job.system = on_system
    ) held
    where held.freed + free_units >= starving.process_units;
  end if;

  for candidate in
    select head.id, may.index, may.process_units
    from unnest(able, slots, units) with ordinality may (id, room, process_units, index)
    join jobmaster.tasks task on task.id = may.id
    cross join lateral (
      (
        select job.id, job.rank
        from jobmaster.jobs job
        where task.process_limit_per is null
          and task.rate_limit is null
          and job.status = 'waiting'
          and (job.task_id, job.rank, job.id) > (may.id, -2147483648, 0)
          and job.task_id <= may.id
          and not job.suspect
        order by job.task_id, job.rank, job.id
        limit least(may.room, wanted, free_units / may.process_units)
      )
      union all
      select first.id, first.rank
      from (select where task.process_limit_per is not null or task.rate_limit is not null) limits
      cross join lateral jobmaster.limited(task, least(may.room, wanted, free_units / may.process_units), since, moment) first
    ) head
    where starving.id is null
      or (head.rank, head.id) < (starving.rank, starving.id)
      or moment + task.timeout_ms * interval '1 millisecond' <= free_at
    order by head.rank, head.id
  loop
    exit when cardinality(chosen) >= wanted;
    if (slots[candidate.index] > 0) is not false and candidate.process_units <= free_units then
      chosen := chosen || candidate.id;
      slots[candidate.index] := slots[candidate.index] - 1;
      free_units := free_units - candidate.process_units;
    end if;
  end loop;

  return array(
    select job.id
    from jobmaster.jobs job
    where job.id = any (chosen) and job.status = 'waiting'
    order by job.rank, job.id
    for update skip locked
  );
end
$fn$;
