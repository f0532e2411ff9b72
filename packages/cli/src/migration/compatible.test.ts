import { expect, test } from "vitest";
import { isCompatible } from "./compatible.ts";

const table = `CREATE TABLE "{{namespace}}_a" (\n\t"id" text\n);`;
const additive: readonly (readonly string[])[] = [
  [],
  [table],
  [`CREATE INDEX "i" ON "t" USING btree ("x");`],
  [table, `CREATE UNIQUE INDEX "i" ON "{{namespace}}_a" ("id");`],
  [table, `ALTER TABLE "{{namespace}}_a" ADD CONSTRAINT "u" UNIQUE("id");`],
  [`ALTER TABLE "t" ADD COLUMN "x" text;`],
  [`ALTER TABLE "t" ADD COLUMN "x" text DEFAULT 'NOT NULL' NOT NULL;`],
  ["ALTER TABLE `t` ADD `x` text DEFAULT 'UNIQUE';"],
  [
    `ALTER TABLE "t" ADD COLUMN "x" uuid;`,
    `ALTER TABLE "t" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "u"("id");`,
  ],
];
const breaking: readonly (readonly string[])[] = [
  [`DROP TABLE "t";`],
  [`ALTER TABLE "t" DROP COLUMN "x";`],
  [`ALTER TABLE "t" ALTER COLUMN "x" SET NOT NULL;`],
  [`ALTER TABLE "t" ADD COLUMN "x" text NOT NULL;`],
  [`ALTER TABLE "t" ADD COLUMN "DEFAULT" text NOT NULL;`],
  [`ALTER TABLE "t" ADD CONSTRAINT "u" UNIQUE("x");`],
  [`ALTER TABLE "t" ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "u"("id");`],
  [`CREATE UNIQUE INDEX "i" ON "t" ("x");`],
  [table, `CREATE UNIQUE INDEX "i" ON "t" ("x");`],
  [`UPDATE "t" SET "x" = 1;`],
];

test.each(additive)("an older version keeps working after: %s", (...statements) => {
  expect(isCompatible({ postgres: statements, sqlite: [] })).toBe(true);
});

test.each(breaking)("an older version may fail after: %s", (...statements) => {
  expect(isCompatible({ postgres: [], sqlite: statements })).toBe(false);
});
