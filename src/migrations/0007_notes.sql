CREATE TABLE "jobmaster"."log_lines" (
	"job_id" bigint NOT NULL,
	"attempt" integer NOT NULL,
	"line" integer NOT NULL,
	"logged_at" timestamp with time zone NOT NULL,
	"message" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobmaster"."progress" (
	"job_id" bigint PRIMARY KEY NOT NULL,
	"attempt" integer NOT NULL,
	"value" double precision NOT NULL,
	"message" text,
	"told_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "log_lines_job_idx" ON "jobmaster"."log_lines" USING btree ("job_id","attempt","line");