import { join } from "node:path";
import type { Migration } from "@sherd/core";
import { readMigrations, writeChanged } from "./directory.ts";
import { renderIndexFile } from "./index-file.ts";

export interface InlineResult {
  readonly file: string;
  readonly isWritten: boolean;
  readonly migrations: readonly Migration[];
}

/** Rebuild a directory's `index.ts` from its `.sql` files. Fails with `MIGRATION_FILE_INVALID`. */
export async function inlineMigrations(directory: string): Promise<InlineResult> {
  const migrations = await readMigrations(directory);
  const file = join(directory, "index.ts");
  return { file, isWritten: await writeChanged(file, renderIndexFile(migrations)), migrations };
}
