-- The keys, above one and in their order, that a task's waiting jobs are counted under: at most so many. It goes through the
-- index from one key to the next, whatever number of jobs each has.
create or replace function jobmaster.waiting_keys(task integer, above bigint, most integer)
returns bigint[]
language sql stable
as $fn$
  with recursive each (key, number) as (
    (
      select job.limit_key, 1
      from jobmaster.jobs job
      where job.status = 'waiting' and job.limit_key is not null and job.task_id = task and job.limit_key > above
      order by job.task_id, job.limit_key
      limit 1
    )
    union all
    select (
      select job.limit_key
      from jobmaster.jobs job
      where job.status = 'waiting' and job.limit_key is not null and job.task_id = task and job.limit_key > each.key
      order by job.task_id, job.limit_key
      limit 1
    ), each.number + 1
    from each
    where each.key is not null and each.number < most
  )
  select coalesce(array_agg(each.key), '{}') from each where each.key is not null
$fn$;
