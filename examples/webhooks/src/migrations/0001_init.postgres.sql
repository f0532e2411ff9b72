-- sherd: compatible
CREATE TABLE "{{namespace}}_order" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer" text NOT NULL,
	"amount" integer NOT NULL,
	"webhook_url" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
