/** The page that the harness writes about itself. */
import { format } from "prettier";
import { invariantNames } from "../../src/crash/check-history.ts";
import type { Databases } from "./databases.ts";
import type { Matrix, Row } from "./matrix.ts";

export const page = new URL("../../../../docs/crash-table.md", import.meta.url);

const introduction = `
# Where a process may die

This page is written by the crash harness, and a test fails when it is not what a run finds. Write it anew with
\`node --conditions=@sherd/source packages/testing/test/crash/write-table.ts\`.

A process plays a small scenario and is killed with SIGKILL right before or right after one statement: after a commit, the
commit stands and its caller never hears of it. Then another process takes over, and a checker reads the database. Each
cell says which hooks the other process found, and how they ended. Whatever the statement, these hold:

${invariantNames.map((name) => `- ${name}`).join("\n")}
- what has finished has freed its key
- migrations complete once, and not in part

A cell where one of them does not says \`BROKEN\`.
`;

/** The page, from a run on each database. */
export async function renderPage(
  matrices: readonly (readonly [Databases["kind"], Matrix])[],
): Promise<string> {
  const sections = await Promise.all(matrices.map(([kind, matrix]) => renderSection(kind, matrix)));
  return [await prettify(introduction), ...sections].join("\n");
}

/** The part of the page about one database. */
export function renderSection(kind: Databases["kind"], { rows }: Matrix): Promise<string> {
  const lines = [...Map.groupBy(rows, ({ scenario, statement }) => `${scenario} | ${statement}`)];
  let last = "";
  const cells = lines.map(([, [first, second]]) => {
    const scenario = first?.scenario === last ? "" : (first?.scenario ?? "");
    last = first?.scenario ?? "";
    const cellOf = (phase: Row["phase"]) => cell([first, second].find((row) => row?.phase === phase));
    return `| ${scenario} | \`${first?.statement}\` | ${cellOf("before")} | ${cellOf("after")} |`;
  });
  const broken = rows.filter(({ violations }) => violations.length > 0).length;
  return prettify(`
## ${kind}

${rows.length} deaths, ${broken === 0 ? "no promise broken" : `${broken} with broken promises`}.

| scenario | statement | killed before it | killed after it |
| --- | --- | --- | --- |
${cells.join("\n")}
`);
}

function cell(row: Row | undefined): string {
  if (row === undefined) return "";
  return row.violations.length === 0 ? row.result : `BROKEN: ${row.violations.join("; ")}`;
}

function prettify(text: string): Promise<string> {
  return format(text, { parser: "markdown", printWidth: 110 });
}
