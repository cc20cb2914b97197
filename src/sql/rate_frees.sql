-- When a rate next lets a waiting job start, of the tasks (name: hash) that an invocation has; null where no rate keeps one.
-- Of a task whose rate is by arguments it looks at 1,000 keys. A look: locks nothing.
create or replace function jobmaster.rate_frees(hashes jsonb, moment timestamptz)
returns timestamptz
language sql stable
as $fn$
  select min(full_key.frees_at)
  from jobmaster.tasks task
  cross join lateral unnest(case
    when task.rate_limit_per is null then array[0::bigint]
    else jobmaster.waiting_keys(task.id, -9223372036854775808, 1000)
  end) each (key)
  cross join lateral (
    -- As many started in the window as may: there is room once the oldest of these has left it.
    select starts.started_at + task.rate_seconds * interval '1 second' as frees_at
    from jobmaster.starts
    -- A range, as in key_rooms.
    where (starts.task_id, starts.limit_key, starts.started_at) > (task.id, each.key, moment - task.rate_seconds * interval '1 second')
      and (starts.task_id, starts.limit_key) <= (task.id, each.key)
    order by starts.task_id desc, starts.limit_key desc, starts.started_at desc
    offset task.rate_limit - 1
    limit 1
  ) full_key
  where task.rate_limit is not null
    and task.retired_at is null
    and task.paused_at is null
    and task.hash = hashes ->> (task.type_key || '.' || task.task_key)
    and exists (select from jobmaster.jobs job where job.status = 'waiting' and job.task_id = task.id)
$fn$;
