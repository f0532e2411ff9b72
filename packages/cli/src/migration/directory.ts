import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Dialect, type Migration } from "@sherd/core";
import { CliError } from "../cli-error.ts";
import type { Snapshots } from "../drizzle/snapshot.ts";
import { parseMigrationFile } from "./migration-file.ts";

const sqlFile = /^(\d{4})_([A-Za-z0-9][A-Za-z0-9_-]*)\.(postgres|sqlite)\.sql$/;

export interface StoredSnapshot {
  readonly file: string;
  readonly snapshots: Snapshots;
}

/** Read all migrations of a directory, in order; none where it does not exist. Fails with `MIGRATION_FILE_INVALID`. */
export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const files = (await list(directory)).filter((file) => file.endsWith(".sql"));
  const odd = files.find((file) => !sqlFile.test(file));
  if (odd !== undefined) {
    throw invalid(
      join(directory, odd),
      "its name must be like `0002_label.postgres.sql` or `0002_label.sqlite.sql`",
    );
  }
  const tags = [...new Set(files.map((file) => file.replace(/\.\w+\.sql$/, "")))].sort();
  requireDistinctNumbers(directory, tags);
  return Promise.all(tags.map((tag) => readMigration(directory, tag)));
}

/** Read the description of the tables that the newest generated migration ends with; null before the first. */
export async function readLatestSnapshot(directory: string): Promise<StoredSnapshot | null> {
  const files = (await list(join(directory, "snapshots")))
    .filter((file) => /^\d{4}\.json$/.test(file))
    .sort();
  const latest = files.at(-1);
  if (latest === undefined) return null;
  const file = join(directory, "snapshots", latest);
  try {
    return { file, snapshots: JSON.parse(await readFile(file, "utf8")) };
  } catch (cause) {
    throw invalid(file, "it is not JSON", cause);
  }
}

/** Write a file unless it reads like that already; true when it was written. */
export async function writeChanged(file: string, text: string): Promise<boolean> {
  if ((await readText(file)) === text) return false;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return true;
}

/** A file's text, null where there is none. */
export async function readText(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch(nullWhenMissing);
}

async function readMigration(directory: string, tag: string): Promise<Migration> {
  const [postgres, sqlite] = await Promise.all([read("postgres"), read("sqlite")]);
  return {
    tag,
    compatible: postgres.compatible && sqlite.compatible,
    postgres: postgres.statements,
    sqlite: sqlite.statements,
  };

  async function read(dialect: Dialect) {
    const file = join(directory, `${tag}.${dialect}.sql`);
    const text = await readText(file);
    if (text === null) throw invalid(file, "it is missing, though the file of the other dialect is there");
    return parseMigrationFile(file, text);
  }
}

function requireDistinctNumbers(directory: string, tags: readonly string[]): void {
  for (const [index, tag] of tags.entries()) {
    const before = tags[index - 1];
    if (before?.slice(0, 4) === tag.slice(0, 4)) {
      throw invalid(
        directory,
        `${before} and ${tag} have the same number, as after a merge; renumber the later one`,
      );
    }
  }
}

async function list(directory: string): Promise<readonly string[]> {
  return (await readdir(directory).catch(nullWhenMissing)) ?? [];
}

function nullWhenMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

function invalid(path: string, why: string, cause?: unknown): CliError {
  return new CliError("MIGRATION_FILE_INVALID", `Cannot read ${path}: ${why}.`, { cause });
}
