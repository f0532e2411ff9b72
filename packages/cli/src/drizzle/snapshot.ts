import { type Dialect, type TableBuilder, tableBuilder } from "@sherd/core";
import { namespaceToken } from "./namespace-token.ts";

/**
 * What has tables: a fragment definition, or any object with its two members. Drizzle reads the tables of the
 * dialect at hand and skips the rest, so a `buildTables` that ignores `t` may return hand-made tables of both.
 */
export interface TableSource {
  readonly name: string;
  buildTables(t: TableBuilder): object;
}

/** The part of drizzle's description of a table that this package reads. */
export interface TableSnapshot {
  readonly name: string;
  readonly columns: Readonly<Record<string, object>>;
  readonly foreignKeys: Readonly<Record<string, ForeignKeySnapshot>>;
}

export interface ForeignKeySnapshot {
  readonly tableTo: string;
  readonly columnsFrom: readonly string[];
  readonly onDelete?: string;
}

/** Drizzle's description of all tables of one dialect, without the random ids that would make it differ each time. */
export interface Snapshot {
  readonly tables: Readonly<Record<string, TableSnapshot>>;
  readonly [key: string]: unknown;
}

export type Snapshots = Readonly<Record<Dialect, Snapshot>>;

/** Describe the tables as they are in the code, in both dialects. */
export async function takeSnapshots(source: TableSource): Promise<Snapshots> {
  const { generateDrizzleJson, generateSQLiteDrizzleJson } = await import("drizzle-kit/api");
  const tables = (dialect: Dialect) =>
    source.buildTables(tableBuilder(dialect, namespaceToken)) as Record<string, unknown>;
  return {
    postgres: plain(generateDrizzleJson(tables("postgres"))),
    sqlite: plain(await generateSQLiteDrizzleJson(tables("sqlite"))),
  };
}

/** The description of no tables at all, which the first migration starts from. */
export function emptySnapshots(): Promise<Snapshots> {
  return takeSnapshots({ name: "empty", buildTables: () => ({}) });
}

function plain(drizzleSnapshot: object): Snapshot {
  const { id: _id, prevId: _prevId, ...rest } = JSON.parse(JSON.stringify(drizzleSnapshot));
  return rest;
}
