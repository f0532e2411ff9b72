import { globSync, readFileSync } from "node:fs";
import { inject } from "vitest";
import { postgresDatabases } from "./databases.ts";
import { describeMatrix } from "./describe-matrix.ts";

const source = new URL("../../../postgres/src/", import.meta.url).pathname;
/** The second argument of `send` or `start`, which may be one of two. */
const sent = /\b(?:send|start)\(\s*(?:verb|"\w+"),\s*(?:[^,?()]*\?\s*"([a-z-]+)"\s*:\s*)?"([a-z-]+)"/g;

describeMatrix({
  kind: "PostgreSQL",
  open: (folder) => postgresDatabases(inject("postgresUrl"), folder),
  written() {
    const texts = globSync(`${source}**/*.ts`).map((file) => readFileSync(file, "utf8"));
    return new Set(
      texts
        .flatMap((text) => [...text.matchAll(sent)].flatMap(([, one, other]) => [one, other]))
        .filter(isName),
    );
  },
});

function isName(name: string | undefined): name is string {
  return name !== undefined;
}
