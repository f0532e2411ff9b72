import { CliError } from "../cli-error.ts";

/** One `.sql` file: a migration's statements in one dialect, for authors to read and edit. */
export interface MigrationFile {
  readonly compatible: boolean;
  readonly statements: readonly string[];
}

const breakpoint = "--> statement-breakpoint";

export function formatMigrationFile({ compatible, statements }: MigrationFile): string {
  return `-- sherd: ${compatible ? "compatible" : "breaking"}\n${statements.join(`\n${breakpoint}\n`)}\n`;
}

/**
 * Read a file's text. Line ends become `\n`, whatever a checkout made of them: a migration's checksum depends on them.
 * Pieces with nothing but comments are left out. Fails with `MIGRATION_FILE_INVALID`.
 */
export function parseMigrationFile(file: string, text: string): MigrationFile {
  const lines = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const header = /^-- sherd: (compatible|breaking)[ \t]*(?:\n|$)/.exec(lines);
  if (header === null) {
    throw new CliError(
      "MIGRATION_FILE_INVALID",
      `Cannot read ${file}: its first line must be \`-- sherd: compatible\` or \`-- sherd: breaking\`.`,
    );
  }
  const statements = lines
    .slice(header[0].length)
    .split(breakpoint)
    .map((sql) => sql.trim())
    .filter((sql) => sql.replace(/--.*$/gm, "").trim() !== "");
  return { compatible: header[1] === "compatible", statements };
}
