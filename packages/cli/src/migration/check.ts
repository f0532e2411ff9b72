import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { emptySnapshots, takeSnapshots, type TableSource } from "../drizzle/snapshot.ts";
import { readLatestSnapshot, readMigrations, readText } from "./directory.ts";
import { renderIndexFile } from "./index-file.ts";

/**
 * Compare a definition with its migrations without writing: a sentence for each difference, none when they agree.
 * Never asks in the terminal. Fails with `MIGRATION_FILE_INVALID`.
 */
export async function checkMigrations(options: {
  readonly definition: TableSource;
  readonly directory: string;
}): Promise<readonly string[]> {
  const { definition, directory } = options;
  const migrations = await readMigrations(directory);
  const recorded = (await readLatestSnapshot(directory))?.snapshots ?? (await emptySnapshots());
  const problems: string[] = [];
  if (!isDeepStrictEqual(recorded, await takeSnapshots(definition))) {
    problems.push(
      `The tables of "${definition.name}" differ from the latest migration's. Run \`sherd generate\`.`,
    );
  }
  const index = join(directory, "index.ts");
  const text = (await readText(index))?.replaceAll("\r\n", "\n") ?? null;
  const isAbsent = text === null && migrations.length === 0;
  if (!isAbsent && text !== renderIndexFile(migrations)) {
    problems.push(`${index} differs from the .sql files beside it. Run \`sherd inline\`.`);
  }
  return problems;
}
