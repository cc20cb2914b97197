-- They answer or take otherwise now, which "create or replace" refuses, or leaves beside.
DROP FUNCTION IF EXISTS "jobmaster"."settle_and_claim"(jsonb);--> statement-breakpoint
DROP FUNCTION IF EXISTS "jobmaster"."claim"(jsonb);--> statement-breakpoint
DROP FUNCTION IF EXISTS "jobmaster"."keep_results"(jsonb);--> statement-breakpoint
ALTER TABLE "jobmaster"."jobs" ALTER COLUMN "rank" DROP EXPRESSION;