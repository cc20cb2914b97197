CREATE SCHEMA IF NOT EXISTS "jobmaster";
--> statement-breakpoint
CREATE SEQUENCE "jobmaster"."claims" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "jobmaster"."blockers" (
	"job_id" bigint NOT NULL,
	"blocker_id" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."completions" (
	"shape_id" integer NOT NULL,
	"key_hash" bigint NOT NULL,
	"key" jsonb NOT NULL,
	"completed_at" timestamp with time zone NOT NULL,
	"job_id" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."dependencies" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "jobmaster"."dependencies_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"task_id" integer NOT NULL,
	"position" integer NOT NULL,
	"target_id" integer NOT NULL,
	"shape_id" integer NOT NULL,
	"within_seconds" integer NOT NULL,
	"args" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."job_keys" (
	"job_id" bigint NOT NULL,
	"shape_id" integer NOT NULL,
	"key_hash" bigint NOT NULL,
	"key" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."jobs" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "jobmaster"."jobs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"created_at" timestamp with time zone NOT NULL,
	"run_at" timestamp with time zone NOT NULL,
	"task_id" integer NOT NULL,
	"priority" integer NOT NULL,
	"rank" integer GENERATED ALWAYS AS ((- priority)) STORED NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"max_attempts" integer NOT NULL,
	"process_units" integer NOT NULL,
	"suspect" boolean DEFAULT false NOT NULL,
	"expands" boolean DEFAULT false NOT NULL,
	"claim" bigint,
	"status" text NOT NULL,
	"args" jsonb NOT NULL,
	"system" text,
	"invocation" uuid,
	"sequence" integer,
	"started_at" timestamp with time zone,
	"lease_until" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"blocked_at" timestamp with time zone,
	"cancel_requested_at" timestamp with time zone,
	"parent_id" bigint,
	"result" jsonb,
	"error" jsonb,
	CONSTRAINT "jobs_row_check" CHECK ((finished_at is null) = (status = any ('{waiting,running,scheduled,blocked}')) and (status = 'running') = (lease_until is not null) and rank = -priority)
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."meta" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"functions" text NOT NULL,
	"catalog" text NOT NULL,
	"deployed_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."migrations" (
	"name" text PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"applied_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."shapes" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "jobmaster"."shapes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"task_id" integer NOT NULL,
	"names" text[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."signatures" (
	"signature" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."systems" (
	"name" text PRIMARY KEY NOT NULL,
	"process_units" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."tasks" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "jobmaster"."tasks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"type_key" text NOT NULL,
	"task_key" text NOT NULL,
	"description" text,
	"hash" text NOT NULL,
	"params" jsonb NOT NULL,
	"process_units" integer NOT NULL,
	"process_limit" integer,
	"max_attempts" integer NOT NULL,
	"timeout_ms" integer,
	"retired_at" timestamp with time zone,
	"paused_at" timestamp with time zone
);
--> statement-breakpoint
CREATE UNIQUE INDEX "blockers_job_idx" ON "jobmaster"."blockers" USING btree ("job_id","blocker_id");--> statement-breakpoint
CREATE INDEX "blockers_blocker_idx" ON "jobmaster"."blockers" USING btree ("blocker_id");--> statement-breakpoint
CREATE UNIQUE INDEX "completions_key_idx" ON "jobmaster"."completions" USING btree ("shape_id","key_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "dependencies_task_position_idx" ON "jobmaster"."dependencies" USING btree ("task_id","position");--> statement-breakpoint
CREATE UNIQUE INDEX "job_keys_key_idx" ON "jobmaster"."job_keys" USING btree ("shape_id","key_hash","job_id");--> statement-breakpoint
CREATE INDEX "job_keys_job_idx" ON "jobmaster"."job_keys" USING btree ("job_id");--> statement-breakpoint
CREATE INDEX "jobs_waiting_idx" ON "jobmaster"."jobs" USING btree ("rank","id") WHERE status = 'waiting';--> statement-breakpoint
CREATE INDEX "jobs_waiting_by_task_idx" ON "jobmaster"."jobs" USING btree ("task_id","rank","id") WHERE status = 'waiting';--> statement-breakpoint
CREATE INDEX "jobs_suspect_idx" ON "jobmaster"."jobs" USING btree ("rank","id") WHERE status = 'waiting' and suspect;--> statement-breakpoint
CREATE INDEX "jobs_running_idx" ON "jobmaster"."jobs" USING btree ("claim") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "jobs_scheduled_idx" ON "jobmaster"."jobs" USING btree ("run_at") WHERE status = 'scheduled';--> statement-breakpoint
CREATE INDEX "jobs_failed_idx" ON "jobmaster"."jobs" USING btree ("id") WHERE status = 'failed';--> statement-breakpoint
CREATE UNIQUE INDEX "shapes_task_names_idx" ON "jobmaster"."shapes" USING btree ("task_id","names");--> statement-breakpoint
CREATE INDEX "signatures_expires_idx" ON "jobmaster"."signatures" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "tasks_key_idx" ON "jobmaster"."tasks" USING btree ("type_key","task_key");--> statement-breakpoint
CREATE VIEW "jobmaster"."queue" AS (
with running as (
  select task_id, system, count(*) as jobs, sum(process_units) as units
  from "jobmaster"."jobs"
  where status = 'running'
  group by task_id, system
), free as (
  select systems.name, systems.process_units - coalesce(sum(running.units), 0) as units, systems.process_units as all_units
  from "jobmaster"."systems" systems
  left join running on running.system = systems.name
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