import { globSync, readFileSync } from "node:fs";
import { sqliteDatabases } from "./databases.ts";
import { describeMatrix } from "./describe-matrix.ts";

const source = new URL("../../../sqlite/src/", import.meta.url).pathname;

describeMatrix({
  kind: "SQLite",
  open: sqliteDatabases,
  written() {
    const files = [...globSync(`${source}statements/*.ts`), `${source}migrator.ts`];
    const names = files.flatMap((file) => [...readFileSync(file, "utf8").matchAll(/name: "([a-z-]+)"/g)]);
    return new Set(names.flatMap(([, name]) => name ?? []));
  },
});
