-- sherd: compatible
CREATE TABLE "{{namespace}}_stock" (
	"id" uuid PRIMARY KEY NOT NULL,
	"warehouse" text NOT NULL,
	"sku" text NOT NULL,
	"quantity" integer NOT NULL,
	"page" integer NOT NULL,
	"request" integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "{{namespace}}_stock_warehouse_sku" ON "{{namespace}}_stock" USING btree ("warehouse","sku");
