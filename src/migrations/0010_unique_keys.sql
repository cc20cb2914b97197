CREATE TABLE "jobmaster"."unique_keys" (
	"task_id" integer NOT NULL,
	"key_hash" bigint NOT NULL,
	"key" jsonb NOT NULL,
	"job_id" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "jobmaster"."tasks" ADD COLUMN "unique_rule" jsonb;--> statement-breakpoint
CREATE UNIQUE INDEX "unique_keys_key_idx" ON "jobmaster"."unique_keys" USING btree ("task_id","key_hash");--> statement-breakpoint
CREATE INDEX "unique_keys_job_idx" ON "jobmaster"."unique_keys" USING btree ("job_id");