import type { Dialect } from "@sherd/core";
import { CliError } from "../cli-error.ts";
import { dropReferencedTablesLast } from "./drop-order.ts";
import { withPlaceholder } from "./namespace-token.ts";
import { requireSoundRenames } from "./renames.ts";
import type { Snapshot, Snapshots } from "./snapshot.ts";
import { rebuildWithinTransaction } from "./sqlite-rebuild.ts";

export type Statements = Readonly<Record<Dialect, readonly string[]>>;

/**
 * Compute the SQL that leads from one description of the tables to the next. Where a table or a column may have
 * been renamed, drizzle asks in the terminal, once for each dialect. Fails with `RENAME_UNDECIDED` when there is
 * no terminal to ask in, with `CHANGE_UNSAFE` when the
 * change is one that drizzle or SQLite would lose data over.
 */
export async function diffSnapshots(previous: Snapshots, current: Snapshots): Promise<Statements> {
  const { generateMigration, generateSQLiteMigration } = await import("drizzle-kit/api");
  const postgres = await decided(() =>
    generateMigration(identified(previous.postgres), identified(current.postgres)),
  );
  const sqlite = await decided(() =>
    generateSQLiteMigration(identified(previous.sqlite), identified(current.sqlite)),
  );
  requireSoundRenames(
    { postgres, sqlite: sqlite.filter((sql) => !sql.includes("__new_")) },
    previous,
    current,
  );
  const rebuilt = rebuildWithinTransaction(sqlite, previous.sqlite, current.sqlite);
  return {
    postgres: dropReferencedTablesLast(postgres, previous.postgres, current.postgres).map((sql) =>
      finished(withoutPublic(sql)),
    ),
    sqlite: dropReferencedTablesLast(rebuilt, previous.sqlite, current.sqlite).map(finished),
  };
}

function finished(sql: string): string {
  return withPlaceholder(sql.trim());
}

/** Drizzle's parsers insist on ids and use them for nothing here. */
function identified<Parsed>(snapshot: Snapshot): Parsed {
  return { ...snapshot, id: "current", prevId: "previous" } as Parsed;
}

/** Drizzle creates tables in the search path's schema and yet refers to them in `public`. */
function withoutPublic(sql: string): string {
  return sql.replaceAll('REFERENCES "public".', "REFERENCES ");
}

async function decided<Result>(diff: () => Promise<Result>): Promise<Result> {
  try {
    return await diff();
  } catch (cause) {
    // Drizzle trips over a table that is renamed and altered at once.
    if (cause instanceof TypeError) {
      throw new CliError(
        "CHANGE_UNSAFE",
        `Cannot compute the migration: drizzle-kit failed with "${cause.message}". Where a table was renamed, ` +
          "make two migrations of it: the rename first, then the other changes.",
        { cause },
      );
    }
    if (!(cause instanceof Error && cause.message.startsWith("Interactive prompts require a TTY")))
      throw cause;
    throw new CliError(
      "RENAME_UNDECIDED",
      "Cannot tell a rename from a drop: a table or column was added while another one disappeared, and there is " +
        "no terminal to ask in. Run `sherd generate` in a terminal, or do it in two steps: add and generate, then " +
        "drop and generate.",
      { cause },
    );
  }
}
