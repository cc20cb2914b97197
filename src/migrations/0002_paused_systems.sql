DROP VIEW "jobmaster"."queue";--> statement-breakpoint
ALTER TABLE "jobmaster"."systems" ADD COLUMN "paused_at" timestamp with time zone;--> statement-breakpoint
CREATE VIEW "jobmaster"."queue" WITH (security_barrier = true) AS (
with running as (
  select task_id, system, count(*) as jobs, sum(process_units) as units
  from "jobmaster"."jobs"
  where status = 'running'
  group by task_id, system
), free as (
  select systems.name, systems.process_units - coalesce(sum(running.units), 0) as units, systems.process_units as all_units
  from "jobmaster"."systems" systems
  left join running on running.system = systems.name
  where systems.paused_at is null
  group by systems.name, systems.process_units
), roomiest as (
  select name, units, all_units from free order by units desc limit 1
)
select
  job.id,
  task.type_key || '.' || task.task_key as task,
  job.args,
  job.priority,
  job.status,
  case
    when job.status = 'blocked' then 'dependencies: waits for ' || (
      select string_agg('#' || blocker.id || ' ' || target.type_key || '.' || target.task_key || ' (' || blocker.status || ')', ', ' order by blocker.id)
      from "jobmaster"."blockers" blockers
      join "jobmaster"."jobs" blocker on blocker.id = blockers.blocker_id
      join "jobmaster"."tasks" target on target.id = blocker.task_id
      where blockers.job_id = job.id
    )
    when job.status = 'scheduled' and job.attempt > 0 then 'backing off: failed ' || job.failures || ' of ' || job.max_attempts || ' attempts'
    when job.status = 'scheduled' then 'not due yet'
    when job.status <> 'waiting' then null
    when task.retired_at is not null then 'retired: no deployed code has this task'
    when task.paused_at is not null then 'paused'
    when roomiest.name is null and exists (select from "jobmaster"."systems") then 'paused: every system'
    when (select sum(jobs) from running where running.task_id = task.id) >= task.process_limit
      then 'process limit: ' || task.process_limit || ' of ' || task.process_limit || ' running'
    when task.process_units > roomiest.units
      then 'units: needs ' || task.process_units || ', ' || roomiest.units || ' of ' || roomiest.all_units || ' free on ' || roomiest.name
  end as why_not,
  job.attempt,
  job.run_at,
  job.created_at
from "jobmaster"."jobs" job
join "jobmaster"."tasks" task on task.id = job.task_id
left join roomiest on true
where job.finished_at is null
order by
  case job.status when 'running' then 0 when 'waiting' then 1 when 'blocked' then 2 else 3 end,
  case when job.status = 'scheduled' then job.run_at end,
  job.rank,
  job.id
);