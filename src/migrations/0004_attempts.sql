CREATE TABLE "jobmaster"."attempts" (
	"job_id" bigint NOT NULL,
	"attempt" integer NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"finished_at" timestamp with time zone NOT NULL,
	"outcome" text NOT NULL,
	"system" text NOT NULL,
	"error" jsonb
);
--> statement-breakpoint
CREATE UNIQUE INDEX "attempts_job_idx" ON "jobmaster"."attempts" USING btree ("job_id","attempt");