-- How many jobs of a task may start now under each of these keys, by its limits by arguments and its rate by them: counted
-- from what runs, whose arguments say what it counts under, and from the starts in the window. Exact under the claim lock.
-- It looks once at what runs, and for each key at no more starts than the rate allows.
create or replace function jobmaster.key_rooms(task jobmaster.tasks, keys bigint[], since bigint, moment timestamptz)
returns table (key bigint, jobs bigint)
language sql stable
as $fn$
  with busy as materialized (
    select jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args) as key, count(*) as jobs
    from jobmaster.jobs job
    where task.process_limit_per is not null and job.status = 'running' and job.claim >= since and job.task_id = task.id
    group by 1
  )
  select each.key, least(
    case when task.process_limit_per is not null then task.process_limit - coalesce(busy.jobs, 0) end,
    case when task.rate_limit_per is not null then task.rate_limit - (
      select count(*)
      from (
        select
        from jobmaster.starts
        -- A range in the order of the index by key: that by time would read all starts of the task for each key.
        where (starts.task_id, starts.limit_key, starts.started_at) > (task.id, each.key, moment - task.rate_seconds * interval '1 second')
          and (starts.task_id, starts.limit_key) <= (task.id, each.key)
        order by starts.task_id, starts.limit_key, starts.started_at
        limit task.rate_limit
      ) recent
    ) end
  )
  from (select distinct unnest(keys) as key) each
  left join busy on busy.key = each.key
$fn$;
