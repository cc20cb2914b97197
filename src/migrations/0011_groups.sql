CREATE TABLE "jobmaster"."group_waits" (
	"group_id" bigint NOT NULL,
	"job_id" bigint NOT NULL,
	"condition" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."groups" (
	"id" bigint PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	"jobs" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"failure" text,
	"on_complete" bigint,
	"on_failed" bigint
);
--> statement-breakpoint
DROP VIEW "jobmaster"."queue";--> statement-breakpoint
ALTER TABLE "jobmaster"."jobs" ADD COLUMN "group_id" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "group_waits_job_idx" ON "jobmaster"."group_waits" USING btree ("job_id","group_id");--> statement-breakpoint
CREATE INDEX "group_waits_group_idx" ON "jobmaster"."group_waits" USING btree ("group_id");--> statement-breakpoint
CREATE INDEX "jobs_group_idx" ON "jobmaster"."jobs" USING btree ("group_id","status") WHERE group_id is not null;--> statement-breakpoint
CREATE INDEX "jobs_parent_idx" ON "jobmaster"."jobs" USING btree ("parent_id","status") WHERE parent_id is not null;--> statement-breakpoint
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
    when job.status = 'blocked' then coalesce('dependencies: waits for ' || (
      select string_agg('#' || blocker.id || ' ' || target.type_key || '.' || target.task_key || ' (' || blocker.status || ')', ', ' order by blocker.id)
      from "jobmaster"."blockers" blockers
      join "jobmaster"."jobs" blocker on blocker.id = blockers.blocker_id
      join "jobmaster"."tasks" target on target.id = blocker.task_id
      where blockers.job_id = job.id
    ), 'groups: waits for ' || (
      select string_agg('group ' || waits.group_id, ', ' order by waits.group_id) from "jobmaster"."group_waits" waits where waits.job_id = job.id
    ))
    when job.status = 'scheduled' and job.attempt > 0 then 'backing off: failed ' || job.failures || ' of ' || job.max_attempts || ' attempts'
    when job.status = 'scheduled' then 'not due yet'
    when job.status <> 'waiting' then null
    when task.retired_at is not null then 'retired: no deployed code has this task'
    when task.paused_at is not null then 'paused'
    when roomiest.name is null and exists (select from "jobmaster"."systems") then 'paused: every system'
    when task.process_limit_per is null and (select sum(jobs) from running where running.task_id = task.id) >= task.process_limit
      then 'process limit: ' || task.process_limit || ' of ' || task.process_limit || ' running'
    when task.process_limit_per is not null and (
      select count(*) from "jobmaster"."jobs" other where other.status = 'running' and other.task_id = task.id and other.limit_key = job.limit_key
    ) >= task.process_limit
      then 'process limit: ' || task.process_limit || ' of ' || task.process_limit || ' running with the same ' || array_to_string(task.process_limit_per, ', ')
    when (
      select count(*)
      from "jobmaster"."starts" starts
      where starts.task_id = task.id
        and starts.limit_key = case when task.rate_limit_per is null then 0 else job.limit_key end
        and starts.started_at > now() - task.rate_seconds * interval '1 second'
    ) >= task.rate_limit
      then 'rate limit: ' || task.rate_limit || ' started in ' || task.rate_seconds || ' seconds' || coalesce(' with the same ' || array_to_string(task.rate_limit_per, ', '), '')
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