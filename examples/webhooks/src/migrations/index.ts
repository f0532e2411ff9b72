// Written by `sherd generate` from the .sql files beside it. Edit those, then run `sherd inline`.
import type { Migration } from "@sherd/core";

export const migrations: readonly Migration[] = [
  {
    tag: "0001_init",
    compatible: true,
    postgres: [
      `CREATE TABLE "{{namespace}}_order" (
	"id" uuid PRIMARY KEY NOT NULL,
	"customer" text NOT NULL,
	"amount" integer NOT NULL,
	"webhook_url" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);`,
    ],
    sqlite: [
      `CREATE TABLE \`{{namespace}}_order\` (
	\`id\` text PRIMARY KEY NOT NULL,
	\`customer\` text NOT NULL,
	\`amount\` integer NOT NULL,
	\`webhook_url\` text NOT NULL,
	\`created_at\` integer NOT NULL
);`,
    ],
  },
];
