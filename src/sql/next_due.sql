-- When the next job is due by itself that is not of a paused task, or the next tick of a schedule that is not paused, nor
-- its task; null when none is. Where more than 1,000 jobs of paused
-- tasks come first it is the time of the last of these: too early, and never too late.
create or replace function jobmaster.next_due()
returns timestamptz
language plpgsql stable
as $fn$
begin
  return least(case
    when not exists (select from jobmaster.tasks where paused_at is not null)
    then (select min(run_at) from jobmaster.jobs where status = 'scheduled')
    else (
      select coalesce(min(first.run_at) filter (where not first.paused), case when count(*) = 1000 then max(first.run_at) end)
      from (
        select job.run_at, exists (
          select from jobmaster.tasks where tasks.id = job.task_id and tasks.paused_at is not null
        ) as paused
        from jobmaster.jobs job
        where job.status = 'scheduled'
        order by job.run_at
        limit 1000
      ) first
    )
  end, (
    select min(schedule.next_tick)
    from jobmaster.schedules schedule
    join jobmaster.tasks task on task.id = schedule.task_id
    where schedule.paused_at is null and task.paused_at is null
  ));
end
$fn$;
