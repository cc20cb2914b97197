CREATE TABLE "jobmaster"."schedules" (
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
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."ticks" (
	"schedule_id" integer NOT NULL,
	"tick" timestamp with time zone NOT NULL,
	"job_id" bigint
);
--> statement-breakpoint
CREATE UNIQUE INDEX "schedules_key_idx" ON "jobmaster"."schedules" USING btree ("type_key","schedule_key");--> statement-breakpoint
CREATE INDEX "schedules_due_idx" ON "jobmaster"."schedules" USING btree ("due_at");--> statement-breakpoint
CREATE UNIQUE INDEX "ticks_schedule_tick_idx" ON "jobmaster"."ticks" USING btree ("schedule_id","tick");