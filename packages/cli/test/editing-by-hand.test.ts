import { rename, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineFragment } from "@sherd/core";
import { expect, test } from "vitest";
import { checkMigrations, generateMigrations, inlineMigrations } from "../src/index.ts";
import { temporaryDirectory } from "./author.ts";

const notes = (extra: boolean) =>
  defineFragment("notes")
    .withTables((t) => ({
      note: t.table("note", {
        id: t.id(),
        body: t.text("body"),
        ...(extra ? { title: t.text("title") } : {}),
      }),
    }))
    .build();

const renamed = defineFragment("notes")
  .withTables((t) => ({ note: t.table("note", { id: t.id(), text: t.text("text") }) }))
  .build();

async function generated(): Promise<string> {
  const directory = await temporaryDirectory();
  await generateMigrations({ definition: notes(false), directory });
  return directory;
}

test("check passes until the tables change, and again after generate", async () => {
  const directory = await generated();
  expect(await checkMigrations({ definition: notes(false), directory })).toEqual([]);
  expect(await checkMigrations({ definition: notes(true), directory })).toEqual([
    expect.stringContaining("sherd generate"),
  ]);
  await generateMigrations({ definition: notes(true), directory });
  expect(await checkMigrations({ definition: notes(true), directory })).toEqual([]);
});

test("check fails when an edited .sql file is not inlined, and inline puts it right", async () => {
  const directory = await generated();
  const file = join(directory, "0001_init.postgres.sql");
  const text = await readFile(file, "utf8");
  await writeFile(
    file,
    text.replace("compatible", "breaking") + "--> statement-breakpoint\nSELECT '`${1}\\';\n",
  );
  expect(await checkMigrations({ definition: notes(false), directory })).toEqual([
    expect.stringContaining("sherd inline"),
  ]);
  const { migrations, isWritten } = await inlineMigrations(directory);
  expect(isWritten).toBe(true);
  expect(migrations).toMatchObject([{ compatible: false }]);
  expect(migrations[0]?.postgres.at(-1)).toBe("SELECT '`${1}\\';");
  expect(await checkMigrations({ definition: notes(false), directory })).toEqual([]);
});

test("a migration written by hand takes its place, and the next generated one the number after it", async () => {
  const directory = await generated();
  await writeFile(join(directory, "0002_backfill.postgres.sql"), "-- sherd: compatible\r\nSELECT 1;\r\n");
  await writeFile(join(directory, "0002_backfill.sqlite.sql"), "-- sherd: compatible\n-- not needed here\n");
  const { migration } = await generateMigrations({ definition: notes(true), directory });
  expect(migration?.tag).toBe("0003_change");
  const { migrations } = await inlineMigrations(directory);
  expect(migrations[1]).toEqual({
    tag: "0002_backfill",
    compatible: true,
    postgres: ["SELECT 1;"],
    sqlite: [],
  });
});

test("a file without its first line, without its twin, or with another's number is an error that names it", async () => {
  const directory = await generated();
  const file = join(directory, "0001_init.sqlite.sql");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/^.*\n/, ""));
  await expect(inlineMigrations(directory)).rejects.toThrow(/0001_init\.sqlite\.sql: its first line must be/);
  await rm(file);
  await expect(inlineMigrations(directory)).rejects.toThrow(/0001_init\.sqlite\.sql: it is missing/);
  await writeFile(file, text);
  await writeFile(join(directory, "0001_other.sqlite.sql"), text);
  await expect(inlineMigrations(directory)).rejects.toThrow(/0001_init and 0001_other have the same number/);
  await rename(join(directory, "0001_other.sqlite.sql"), join(directory, "other.sql"));
  await expect(inlineMigrations(directory)).rejects.toThrow(/other\.sql: its name must be like/);
});

test("a possible rename without a terminal is an error that says what to do", async () => {
  const directory = await generated();
  const terminal = process.stdout.isTTY;
  process.stdout.isTTY = false;
  try {
    await expect(generateMigrations({ definition: renamed, directory })).rejects.toMatchObject({
      code: "RENAME_UNDECIDED",
    });
  } finally {
    process.stdout.isTTY = terminal;
  }
  expect(await checkMigrations({ definition: renamed, directory })).toHaveLength(1);
});
