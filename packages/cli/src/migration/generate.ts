import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Dialect, type Migration } from "@sherd/core";
import { CliError } from "../cli-error.ts";
import { diffSnapshots } from "../drizzle/diff.ts";
import { emptySnapshots, type Snapshots, takeSnapshots, type TableSource } from "../drizzle/snapshot.ts";
import { isCompatible } from "./compatible.ts";
import {
  readLatestSnapshot,
  readMigrations,
  readText,
  type StoredSnapshot,
  writeChanged,
} from "./directory.ts";
import { inlineMigrations } from "./inline.ts";
import { formatMigrationFile } from "./migration-file.ts";

export interface GenerateOptions {
  readonly definition: TableSource;
  /** Where the migrations live; made when it does not exist. */
  readonly directory: string;
  /** The tag's second half. Default: `init` for the first migration, `change` for later ones. */
  readonly label?: string | undefined;
  /** Mark the migration as breaking even where it only adds. */
  readonly breaking?: boolean | undefined;
}

export interface GenerateResult {
  /** Null when the tables are as the last migration left them. */
  readonly migration: Migration | null;
  /** What was written, in the order of writing. */
  readonly files: readonly string[];
}

/**
 * Write the migration from the last one's tables to the definition's, and rebuild `index.ts`. The SQL files go
 * before the snapshot, so that a crash between them leaves a state in which `checkMigrations` complains. Fails with
 * `CHANGE_UNSAFE`, `LABEL_INVALID`, `MIGRATION_FILE_INVALID` or `RENAME_UNDECIDED`, and then writes nothing.
 */
export async function generateMigrations(options: GenerateOptions): Promise<GenerateResult> {
  const { definition, directory, breaking = false } = options;
  const existing = await readMigrations(directory);
  const latest = await readLatestSnapshot(directory);
  const current = await takeSnapshots(definition);
  const statements = await diffSnapshots(latest?.snapshots ?? (await emptySnapshots()), current);
  if (statements.postgres.length === 0 && statements.sqlite.length === 0) {
    return { migration: null, files: await refresh(directory, latest, current) };
  }

  const tag = nextTag(existing, options.label);
  const migration: Migration = { tag, compatible: !breaking && isCompatible(statements), ...statements };
  const files = [
    ...(["postgres", "sqlite"] as const).map((dialect) => sqlFile(directory, migration, dialect)),
    { file: join(directory, "snapshots", `${tag.slice(0, 4)}.json`), text: snapshotText(current) },
  ];
  for (const { file, text } of files) await writeChanged(file, text);
  const index = await inlineMigrations(directory);
  return { migration, files: [...files.map(({ file }) => file), index.file] };
}

/** No SQL, but the index may be stale, and the description may word the same tables differently. */
async function refresh(
  directory: string,
  latest: StoredSnapshot | null,
  current: Snapshots,
): Promise<readonly string[]> {
  const files: string[] = [];
  if (latest !== null && !isDeepStrictEqual(latest.snapshots, current)) {
    await writeChanged(latest.file, snapshotText(current));
    files.push(latest.file);
  }
  if (latest === null && (await readText(join(directory, "index.ts"))) === null) return [];
  const index = await inlineMigrations(directory);
  return index.isWritten ? [...files, index.file] : files;
}

function nextTag(existing: readonly Migration[], label = existing.length === 0 ? "init" : "change"): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/.test(label)) {
    throw new CliError(
      "LABEL_INVALID",
      `Cannot name a migration ${JSON.stringify(label)}: use 1 to 60 letters, digits, "-" and "_".`,
    );
  }
  const number = Number(existing.at(-1)?.tag.slice(0, 4) ?? 0) + 1;
  return `${String(number).padStart(4, "0")}_${label}`;
}

function sqlFile(directory: string, migration: Migration, dialect: Dialect) {
  const { compatible, tag } = migration;
  return {
    file: join(directory, `${tag}.${dialect}.sql`),
    text: formatMigrationFile({ compatible, statements: migration[dialect] }),
  };
}

function snapshotText(snapshots: Snapshots): string {
  return `${JSON.stringify(snapshots, null, 2)}\n`;
}
