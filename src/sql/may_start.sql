-- Whether one job of a task, with these arguments, may start now by the task's limits by arguments and its rate. Called
-- under the claim lock. limited does the same for the first of many.
create or replace function jobmaster.may_start(task jobmaster.tasks, args jsonb, since bigint, moment timestamptz)
returns boolean
language sql stable
as $fn$
  select coalesce((
    select room.jobs > 0
    from jobmaster.key_rooms(task, array[jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), args)], since, moment) room
  ), true)
  and (task.rate_limit is null or task.rate_limit_per is not null or task.rate_limit > (
    select count(*)
    from jobmaster.starts
    where starts.task_id = task.id
      and starts.limit_key = 0
      and starts.started_at > moment - task.rate_seconds * interval '1 second'
  ))
$fn$;
