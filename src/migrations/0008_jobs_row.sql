-- They answer or take otherwise now, which "create or replace" refuses, or leaves beside.
DROP FUNCTION IF EXISTS "jobmaster"."settle_and_claim"(jsonb);--> statement-breakpoint
DROP FUNCTION IF EXISTS "jobmaster"."claim"(jsonb);--> statement-breakpoint
DROP FUNCTION IF EXISTS "jobmaster"."keep_results"(jsonb);--> statement-breakpoint
ALTER TABLE "jobmaster"."jobs" DROP CONSTRAINT "jobs_status_check";--> statement-breakpoint
ALTER TABLE "jobmaster"."jobs" DROP CONSTRAINT "jobs_finished_check";--> statement-breakpoint
ALTER TABLE "jobmaster"."jobs" DROP CONSTRAINT "jobs_running_check";--> statement-breakpoint
ALTER TABLE "jobmaster"."jobs" DROP CONSTRAINT "jobs_priority_check";--> statement-breakpoint
ALTER TABLE "jobmaster"."jobs" ALTER COLUMN "rank" DROP EXPRESSION;--> statement-breakpoint
ALTER TABLE "jobmaster"."jobs" ADD CONSTRAINT "jobs_row_check" CHECK (case
          when finished_at is null then status = any ('{waiting,running,scheduled,blocked}') and (status = 'running') = (lease_until is not null) and (lease_until is null or num_nulls(claim, invocation, system) = 0)
          else status = any ('{completed,failed,cancelled,expanded}') and lease_until is null
        end and rank = -priority and abs(priority) <= 1000000000);