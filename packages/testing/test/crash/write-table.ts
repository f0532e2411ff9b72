/** Run the crash harness on both databases, and write docs/crash-table.md. */
import { writeFile } from "node:fs/promises";
import { startPostgres } from "../../../../tooling/postgres.ts";
import { openChildren } from "./child.ts";
import { type Databases, postgresDatabases, sqliteDatabases } from "./databases.ts";
import { type Matrix, runMatrix } from "./matrix.ts";
import { page, renderPage } from "./table.ts";

const children = await openChildren();
const server = await startPostgres();
const matrices: (readonly [Databases["kind"], Matrix])[] = [];
try {
  for (const databases of [
    await sqliteDatabases(children.folder),
    await postgresDatabases(server.url, children.folder),
  ]) {
    matrices.push([databases.kind, await runMatrix(children, databases)]);
    await databases.remove();
  }
} finally {
  await server.stop();
  await children.end();
}
await writeFile(page, await renderPage(matrices));
process.exitCode = matrices.some(([, { rows }]) => rows.some(({ violations }) => violations.length > 0))
  ? 1
  : 0;
