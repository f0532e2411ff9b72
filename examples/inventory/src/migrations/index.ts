// Written by `sherd generate` from the .sql files beside it. Edit those, then run `sherd inline`.
import type { Migration } from "@sherd/core";

export const migrations: readonly Migration[] = [
  {
    tag: "0001_init",
    compatible: true,
    postgres: [
      `CREATE TABLE "{{namespace}}_stock" (
	"id" uuid PRIMARY KEY NOT NULL,
	"warehouse" text NOT NULL,
	"sku" text NOT NULL,
	"quantity" integer NOT NULL,
	"page" integer NOT NULL,
	"request" integer NOT NULL
);`,
      `CREATE UNIQUE INDEX "{{namespace}}_stock_warehouse_sku" ON "{{namespace}}_stock" USING btree ("warehouse","sku");`,
    ],
    sqlite: [
      `CREATE TABLE \`{{namespace}}_stock\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`warehouse\` text NOT NULL,
	\`sku\` text NOT NULL,
	\`quantity\` integer NOT NULL,
	\`page\` integer NOT NULL,
	\`request\` integer NOT NULL
);`,
      `CREATE UNIQUE INDEX \`{{namespace}}_stock_warehouse_sku\` ON \`{{namespace}}_stock\` (\`warehouse\`,\`sku\`);`,
    ],
  },
];
