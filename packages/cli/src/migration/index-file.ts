import type { Migration } from "@sherd/core";

/** Prettier's width in this repository; it decides only whether a one-statement list stands on one line. */
const width = 110;

/** Write the module that inlines all migrations, in the shape that prettier gives it. */
export function renderIndexFile(migrations: readonly Migration[]): string {
  const list =
    migrations.length === 0
      ? "[]"
      : `[\n${migrations.map((migration) => `${renderMigration(migration)}\n`).join("")}]`;
  return [
    "// Written by `sherd generate` from the .sql files beside it. Edit those, then run `sherd inline`.",
    'import type { Migration } from "@sherd/core";',
    "",
    `export const migrations: readonly Migration[] = ${list};`,
    "",
  ].join("\n");
}

function renderMigration({ tag, compatible, postgres, sqlite }: Migration): string {
  return [
    "  {",
    `    tag: ${JSON.stringify(tag)},`,
    `    compatible: ${compatible},`,
    renderStatements("postgres", postgres),
    renderStatements("sqlite", sqlite),
    "  },",
  ].join("\n");
}

function renderStatements(dialect: string, statements: readonly string[]): string {
  const literals = statements.map((sql) => `\`${sql.replace(/[\\`]|\$\{/g, "\\$&")}\``);
  const line = `    ${dialect}: [${literals.join(", ")}],`;
  if (line.length <= width && !line.includes("\n")) return line;
  return `    ${dialect}: [\n${literals.map((literal) => `      ${literal},\n`).join("")}    ],`;
}
