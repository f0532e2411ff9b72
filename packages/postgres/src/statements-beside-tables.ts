import { migrations } from "./migrations/index.ts";

/**
 * What the kernel needs beside its tables: functions and storage settings. For those who keep the tables in a drizzle-kit
 * schema of their own, where these go into a custom migration after them.
 */
export const statementsBesideTables: readonly string[] = migrations
  .flatMap(({ postgres }) => postgres)
  .filter((statement) => /^(create function|create procedure|alter table) /m.test(statement));
