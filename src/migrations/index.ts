// Generated from the .sql files beside it by `npm run generate:sql`. Do not edit.

/** Every migration of the tables, oldest first. */
export const migrations: readonly { name: string; hash: string; statements: readonly string[] }[] = [
  {
    name: '0000_init',
    hash: 'a602223d09ae6632',
    statements: [
      `CREATE SCHEMA IF NOT EXISTS "jobmaster";`,
      `CREATE SEQUENCE "jobmaster"."claims" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;`,
      `CREATE TABLE "jobmaster"."blockers" (
	"job_id" bigint NOT NULL,
	"blocker_id" bigint NOT NULL
);`,
      `CREATE TABLE "jobmaster"."completions" (
	"shape_id" integer NOT NULL,
	"key_hash" bigint NOT NULL,
	"key" jsonb NOT NULL,
	"completed_at" timestamp with time zone NOT NULL,
	"job_id" bigint NOT NULL
);`,
      `CREATE TABLE "jobmaster"."dependencies" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "jobmaster"."dependencies_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"task_id" integer NOT NULL,
	"position" integer NOT NULL,
	"target_id" integer NOT NULL,
	"shape_id" integer NOT NULL,
	"within_seconds" integer NOT NULL,
	"args" jsonb NOT NULL
);`,
      `CREATE TABLE "jobmaster"."job_keys" (
	"job_id" bigint NOT NULL,
	"shape_id" integer NOT NULL,
	"key_hash" bigint NOT NULL,
	"key" jsonb NOT NULL
);`,
      `CREATE TABLE "jobmaster"."jobs" (
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
);`,
      `CREATE TABLE "jobmaster"."meta" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"functions" text NOT NULL,
	"catalog" text NOT NULL,
	"deployed_at" timestamp with time zone NOT NULL
);`,
      `CREATE TABLE "jobmaster"."migrations" (
	"name" text PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"applied_at" timestamp with time zone NOT NULL
);`,
      `CREATE TABLE "jobmaster"."shapes" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "jobmaster"."shapes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"task_id" integer NOT NULL,
	"names" text[] NOT NULL
);`,
      `CREATE TABLE "jobmaster"."signatures" (
	"signature" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);`,
      `CREATE TABLE "jobmaster"."systems" (
	"name" text PRIMARY KEY NOT NULL,
	"process_units" integer NOT NULL
);`,
      `CREATE TABLE "jobmaster"."tasks" (
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
);`,
      `CREATE UNIQUE INDEX "blockers_job_idx" ON "jobmaster"."blockers" USING btree ("job_id","blocker_id");`,
      `CREATE INDEX "blockers_blocker_idx" ON "jobmaster"."blockers" USING btree ("blocker_id");`,
      `CREATE UNIQUE INDEX "completions_key_idx" ON "jobmaster"."completions" USING btree ("shape_id","key_hash");`,
      `CREATE UNIQUE INDEX "dependencies_task_position_idx" ON "jobmaster"."dependencies" USING btree ("task_id","position");`,
      `CREATE UNIQUE INDEX "job_keys_key_idx" ON "jobmaster"."job_keys" USING btree ("shape_id","key_hash","job_id");`,
      `CREATE INDEX "job_keys_job_idx" ON "jobmaster"."job_keys" USING btree ("job_id");`,
      `CREATE INDEX "jobs_waiting_idx" ON "jobmaster"."jobs" USING btree ("rank","id") WHERE status = 'waiting';`,
      `CREATE INDEX "jobs_waiting_by_task_idx" ON "jobmaster"."jobs" USING btree ("task_id","rank","id") WHERE status = 'waiting';`,
      `CREATE INDEX "jobs_suspect_idx" ON "jobmaster"."jobs" USING btree ("rank","id") WHERE status = 'waiting' and suspect;`,
      `CREATE INDEX "jobs_running_idx" ON "jobmaster"."jobs" USING btree ("claim") WHERE status = 'running';`,
      `CREATE INDEX "jobs_scheduled_idx" ON "jobmaster"."jobs" USING btree ("run_at") WHERE status = 'scheduled';`,
      `CREATE INDEX "jobs_failed_idx" ON "jobmaster"."jobs" USING btree ("id") WHERE status = 'failed';`,
      `CREATE UNIQUE INDEX "shapes_task_names_idx" ON "jobmaster"."shapes" USING btree ("task_id","names");`,
      `CREATE INDEX "signatures_expires_idx" ON "jobmaster"."signatures" USING btree ("expires_at");`,
      `CREATE UNIQUE INDEX "tasks_key_idx" ON "jobmaster"."tasks" USING btree ("type_key","task_key");`,
      `CREATE VIEW "jobmaster"."queue" AS (
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
);`,
    ],
  },
  {
    name: '0001_queue_barrier',
    hash: 'a001d82cb95d59b1',
    statements: [
      `ALTER VIEW "jobmaster"."queue" SET (security_barrier = true);`,
    ],
  },
  {
    name: '0002_paused_systems',
    hash: '16762aca34b1509f',
    statements: [
      `DROP VIEW "jobmaster"."queue";`,
      `ALTER TABLE "jobmaster"."systems" ADD COLUMN "paused_at" timestamp with time zone;`,
      `CREATE VIEW "jobmaster"."queue" WITH (security_barrier = true) AS (
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
);`,
    ],
  },
  {
    name: '0003_trace',
    hash: '54085843f70c2801',
    statements: [
      `ALTER TABLE "jobmaster"."jobs" ADD COLUMN "trace" text;`,
    ],
  },
  {
    name: '0004_attempts',
    hash: 'f74205d3760e54b4',
    statements: [
      `CREATE TABLE "jobmaster"."attempts" (
	"job_id" bigint NOT NULL,
	"attempt" integer NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone NOT NULL,
	"outcome" text NOT NULL,
	"system" text NOT NULL,
	"error" jsonb
);`,
      `CREATE UNIQUE INDEX "attempts_job_idx" ON "jobmaster"."attempts" USING btree ("job_id","attempt");`,
    ],
  },
  {
    name: '0005_tallies',
    hash: 'f1d690bdbab260d1',
    statements: [
      `CREATE TABLE "jobmaster"."retention" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"after_id" bigint NOT NULL,
	"began_at" timestamp with time zone NOT NULL
);`,
      `CREATE TABLE "jobmaster"."tallies" (
	"merged" boolean DEFAULT false NOT NULL,
	"minute" timestamp with time zone NOT NULL,
	"task_id" integer NOT NULL,
	"outcome" text NOT NULL,
	"jobs" bigint NOT NULL
);`,
      `CREATE INDEX "tallies_minute_idx" ON "jobmaster"."tallies" USING btree ("merged","minute");`,
    ],
  },
  {
    name: '0006_schedules',
    hash: '74b56ed555b3c2bf',
    statements: [
      `CREATE TABLE "jobmaster"."schedules" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "jobmaster"."schedules_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"type_key" text NOT NULL,
	"schedule_key" text NOT NULL,
	"hash" text NOT NULL,
	"task_id" integer NOT NULL,
	"args" jsonb NOT NULL,
	"cron" text NOT NULL,
	"timezone" text NOT NULL,
	"catch_up" text NOT NULL,
	"coming" timestamp with time zone[] NOT NULL,
	"next_tick" timestamp with time zone,
	"refill_at" timestamp with time zone NOT NULL,
	"computed_until" timestamp with time zone NOT NULL,
	"paused_at" timestamp with time zone,
	"due_at" timestamp with time zone GENERATED ALWAYS AS (case when paused_at is null then least(next_tick, refill_at) end) STORED
);`,
      `CREATE TABLE "jobmaster"."ticks" (
	"schedule_id" integer NOT NULL,
	"tick" timestamp with time zone NOT NULL,
	"job_id" bigint
);`,
      `CREATE UNIQUE INDEX "schedules_key_idx" ON "jobmaster"."schedules" USING btree ("type_key","schedule_key");`,
      `CREATE INDEX "schedules_due_idx" ON "jobmaster"."schedules" USING btree ("due_at");`,
      `CREATE UNIQUE INDEX "ticks_schedule_tick_idx" ON "jobmaster"."ticks" USING btree ("schedule_id","tick");`,
    ],
  },
  {
    name: '0007_notes',
    hash: '859f7f0fccf2ad87',
    statements: [
      `CREATE TABLE "jobmaster"."log_lines" (
	"job_id" bigint NOT NULL,
	"attempt" integer NOT NULL,
	"line" integer NOT NULL,
	"logged_at" timestamp with time zone NOT NULL,
	"message" text NOT NULL
);`,
      `CREATE TABLE "jobmaster"."progress" (
	"job_id" bigint PRIMARY KEY NOT NULL,
	"attempt" integer NOT NULL,
	"value" double precision NOT NULL,
	"message" text,
	"told_at" timestamp with time zone NOT NULL
);`,
      `CREATE UNIQUE INDEX "log_lines_job_idx" ON "jobmaster"."log_lines" USING btree ("job_id","attempt","line");`,
    ],
  },
  {
    name: '0008_jobs_row',
    hash: '0de22d7d1264ce24',
    statements: [
      `-- They answer or take otherwise now, which "create or replace" refuses, or leaves beside.
DROP FUNCTION IF EXISTS "jobmaster"."settle_and_claim"(jsonb);`,
      `DROP FUNCTION IF EXISTS "jobmaster"."claim"(jsonb);`,
      `DROP FUNCTION IF EXISTS "jobmaster"."keep_results"(jsonb);`,
      `ALTER TABLE "jobmaster"."jobs" ALTER COLUMN "rank" DROP EXPRESSION;`,
    ],
  },
  {
    name: '0009_limits',
    hash: '7c8042408311dc10',
    statements: [
      `CREATE TABLE "jobmaster"."starts" (
	"task_id" integer NOT NULL,
	"limit_key" bigint NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"job_id" bigint NOT NULL,
	"attempt" integer NOT NULL
);`,
      `DROP VIEW "jobmaster"."queue";`,
      `ALTER TABLE "jobmaster"."jobs" ADD COLUMN "limit_key" bigint;`,
      `ALTER TABLE "jobmaster"."tasks" ADD COLUMN "process_limit_per" text[];`,
      `ALTER TABLE "jobmaster"."tasks" ADD COLUMN "rate_limit" integer;`,
      `ALTER TABLE "jobmaster"."tasks" ADD COLUMN "rate_seconds" integer;`,
      `ALTER TABLE "jobmaster"."tasks" ADD COLUMN "rate_limit_per" text[];`,
      `CREATE UNIQUE INDEX "starts_job_idx" ON "jobmaster"."starts" USING btree ("job_id","attempt");`,
      `CREATE INDEX "starts_key_idx" ON "jobmaster"."starts" USING btree ("task_id","limit_key","started_at");`,
      `CREATE INDEX "starts_window_idx" ON "jobmaster"."starts" USING btree ("task_id","started_at");`,
      `CREATE INDEX "jobs_limited_idx" ON "jobmaster"."jobs" USING btree ("task_id","limit_key","rank","id") WHERE status = 'waiting' and limit_key is not null;`,
      `CREATE VIEW "jobmaster"."queue" WITH (security_barrier = true) AS (
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
);`,
    ],
  },
  {
    name: '0010_unique_keys',
    hash: '872ffb64a4c47a93',
    statements: [
      `CREATE TABLE "jobmaster"."unique_keys" (
	"task_id" integer NOT NULL,
	"key_hash" bigint NOT NULL,
	"key" jsonb NOT NULL,
	"job_id" bigint NOT NULL
);`,
      `ALTER TABLE "jobmaster"."tasks" ADD COLUMN "unique_rule" jsonb;`,
      `CREATE UNIQUE INDEX "unique_keys_key_idx" ON "jobmaster"."unique_keys" USING btree ("task_id","key_hash");`,
      `CREATE INDEX "unique_keys_job_idx" ON "jobmaster"."unique_keys" USING btree ("job_id");`,
    ],
  },
  {
    name: '0011_groups',
    hash: 'b8102488e2079f24',
    statements: [
      `CREATE TABLE "jobmaster"."group_waits" (
	"group_id" bigint NOT NULL,
	"job_id" bigint NOT NULL,
	"condition" text NOT NULL
);`,
      `CREATE TABLE "jobmaster"."groups" (
	"id" bigint PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	"jobs" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"failure" text,
	"on_complete" bigint,
	"on_failed" bigint
);`,
      `DROP VIEW "jobmaster"."queue";`,
      `ALTER TABLE "jobmaster"."jobs" ADD COLUMN "group_id" bigint;`,
      `CREATE UNIQUE INDEX "group_waits_job_idx" ON "jobmaster"."group_waits" USING btree ("job_id","group_id");`,
      `CREATE INDEX "group_waits_group_idx" ON "jobmaster"."group_waits" USING btree ("group_id");`,
      `CREATE INDEX "jobs_group_idx" ON "jobmaster"."jobs" USING btree ("group_id","status") WHERE group_id is not null;`,
      `CREATE INDEX "jobs_parent_idx" ON "jobmaster"."jobs" USING btree ("parent_id","status") WHERE parent_id is not null;`,
      `CREATE VIEW "jobmaster"."queue" WITH (security_barrier = true) AS (
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
);`,
    ],
  },
]
