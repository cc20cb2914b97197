CREATE TABLE "jobmaster"."retention" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"after_id" bigint NOT NULL,
	"began_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."tallies" (
	"merged" boolean DEFAULT false NOT NULL,
	"minute" timestamp with time zone NOT NULL,
	"task_id" integer NOT NULL,
	"outcome" text NOT NULL,
	"jobs" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "tallies_minute_idx" ON "jobmaster"."tallies" USING btree ("merged","minute");