-- Brings the schedules to what the code says: [{"type_key", "schedule_key", "hash", "task", "args", "cron", "timezone",
-- "catch_up", "ticks": [tick, …]}, …], the ticks being the next ones by this database's clock. One that is as it was keeps
-- the ticks that it has, and those it missed; one that comes at other times now begins with those given. One that is no
-- longer there is deleted; the jobs that it inserted stay. Raises JM014 for arguments that an insert would refuse.
-- Called by deploy_catalog, under the claim lock. A fire that has a row has it before that lock: deploy locks them first.
create or replace function jobmaster.deploy_schedules(given jsonb)
returns void
language plpgsql volatile
as $fn$
declare
  one record;
  checked record;
  ahead timestamptz[];
begin
  for one in
    select
      value ->> 'type_key' as type_key,
      value ->> 'schedule_key' as schedule_key,
      value ->> 'hash' as hash,
      value ->> 'cron' as cron,
      value ->> 'timezone' as timezone,
      value ->> 'catch_up' as catch_up,
      value -> 'args' as args,
      value -> 'ticks' as ticks,
      task
    from jsonb_array_elements(given)
    join jobmaster.tasks task on task.type_key || '.' || task.task_key = value ->> 'task' and task.retired_at is null
    order by 1, 2
  loop
    checked := jobmaster.check_arguments(one.task, one.args);
    if checked.code is not null then
      raise exception using
        errcode = 'JM014',
        message = format('deploy refused: schedule %s.%s: %s', one.type_key, one.schedule_key, checked.problem);
    end if;
    ahead := array(select tick::timestamptz from jsonb_array_elements_text(one.ticks) tick order by 1);
    insert into jobmaster.schedules as schedule (
      type_key, schedule_key, hash, task_id, args, cron, timezone, catch_up, coming, next_tick, refill_at, computed_until
    )
    values (
      one.type_key, one.schedule_key, one.hash, (one.task).id, checked.complete, one.cron, one.timezone, one.catch_up,
      ahead, ahead[1], ahead[(cardinality(ahead) + 1) / 2], ahead[cardinality(ahead)]
    )
    on conflict (type_key, schedule_key) do update
    set hash = excluded.hash,
      task_id = excluded.task_id,
      args = excluded.args,
      cron = excluded.cron,
      timezone = excluded.timezone,
      catch_up = excluded.catch_up,
      coming = case when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone) then schedule.coming else excluded.coming end,
      next_tick = case when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone) then schedule.next_tick else excluded.next_tick end,
      refill_at = case when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone) then schedule.refill_at else excluded.refill_at end,
      computed_until = case when (schedule.cron, schedule.timezone) = (excluded.cron, excluded.timezone) then schedule.computed_until else excluded.computed_until end
    where schedule.hash <> excluded.hash;
  end loop;

  with removed as (
    delete from jobmaster.schedules schedule
    where not exists (
      select
      from jsonb_array_elements(given)
      where value ->> 'type_key' = schedule.type_key and value ->> 'schedule_key' = schedule.schedule_key
    )
    returning id
  )
  delete from jobmaster.ticks where schedule_id in (select id from removed);
end
$fn$;
