CREATE SCHEMA IF NOT EXISTS "reports";
--> statement-breakpoint
CREATE TABLE "reports"."airports" (
	"code" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"state" text NOT NULL,
	"region" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports"."climates" (
	"location" text PRIMARY KEY NOT NULL,
	"warmest_month" integer NOT NULL,
	"warmest_high" numeric(10, 2) NOT NULL,
	"coldest_month" integer NOT NULL,
	"coldest_low" numeric(10, 2) NOT NULL,
	"wettest_month" integer NOT NULL,
	"wettest_precipitation" numeric(10, 2) NOT NULL,
	"wet_percent" numeric(10, 2) NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports"."days" (
	"location" text NOT NULL,
	"day" date NOT NULL,
	"weather" text NOT NULL,
	"precipitation" numeric(10, 2) NOT NULL,
	"high" numeric(10, 2) NOT NULL,
	"low" numeric(10, 2) NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports"."flights" (
	"position" integer PRIMARY KEY NOT NULL,
	"departed_at" timestamp NOT NULL,
	"origin" text NOT NULL,
	"destination" text NOT NULL,
	"delay" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports"."months" (
	"location" text NOT NULL,
	"month" integer NOT NULL,
	"days" integer NOT NULL,
	"wet_days" integer NOT NULL,
	"precipitation" numeric(10, 2) NOT NULL,
	"high" numeric(10, 2) NOT NULL,
	"low" numeric(10, 2) NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports"."punctuality" (
	"late_minutes" integer NOT NULL,
	"place" integer NOT NULL,
	"region" text NOT NULL,
	"flights" integer NOT NULL,
	"late_percent" numeric(10, 2) NOT NULL,
	"delay" numeric(10, 2) NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports"."regions" (
	"region" text NOT NULL,
	"late_minutes" integer NOT NULL,
	"flights" integer NOT NULL,
	"late" integer NOT NULL,
	"delay" numeric(10, 2) NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "days_key" ON "reports"."days" USING btree ("location","day");--> statement-breakpoint
CREATE UNIQUE INDEX "months_key" ON "reports"."months" USING btree ("location","month");--> statement-breakpoint
CREATE UNIQUE INDEX "punctuality_key" ON "reports"."punctuality" USING btree ("late_minutes","place");--> statement-breakpoint
CREATE UNIQUE INDEX "regions_key" ON "reports"."regions" USING btree ("region","late_minutes");