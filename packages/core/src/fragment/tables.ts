import type { BuildColumns } from "drizzle-orm";
import * as pg from "drizzle-orm/pg-core";
import * as sqlite from "drizzle-orm/sqlite-core";
import { uuidv7 } from "uuidv7";
import type { Dialect } from "../adapter/adapter.ts";

type Columns = Record<string, pg.PgColumnBuilderBase>;

/** A table as `t.table` makes it: a real drizzle table, typed with the Postgres builders. */
export type FragmentTable<Name extends string, C extends Columns> = pg.PgTableWithColumns<{
  name: Name;
  schema: undefined;
  columns: BuildColumns<Name, C, "pg">;
  dialect: "pg";
}>;

type ExtraConfig = readonly pg.PgTableExtraConfigValue[];

/**
 * Drizzle's own builders of the dialect at hand, in the part that both have. Names of tables and indexes
 * are prefixed with the namespace.
 */
export interface TableBuilder {
  table<Name extends string, C extends Columns>(
    name: Name,
    columns: C,
    extra?: (self: FragmentTable<Name, C>) => ExtraConfig,
  ): FragmentTable<Name, C>;
  /** Primary key, a UUIDv7 made at insert unless one is given. */
  id(): pg.PgUUIDBuilderInitial<""> extends infer B extends pg.PgUUIDBuilderInitial<""> ? Id<B> : never;
  /** A UUID, to refer to another table's `id`: `t.uuid("endpoint_id").references(() => endpoint.id)`. */
  uuid<N extends string>(name: N): pg.PgUUIDBuilderInitial<N>;
  text<N extends string>(name: N): pg.PgTextBuilderInitial<N, [string, ...string[]]>;
  /** 32 bits. */
  integer<N extends string>(name: N): pg.PgIntegerBuilderInitial<N>;
  /** A whole number up to 2^53 - 1. */
  bigint<N extends string>(name: N): pg.PgBigInt53BuilderInitial<N>;
  /** A double. */
  real<N extends string>(name: N): pg.PgDoublePrecisionBuilderInitial<N>;
  boolean<N extends string>(name: N): pg.PgBooleanBuilderInitial<N>;
  /** Any JSON value; type it with `.$type<…>()`. */
  json<N extends string>(name: N): pg.PgJsonbBuilderInitial<N>;
  /** A moment, as a `Date`, to the millisecond, independent of any time zone. */
  timestamp<N extends string>(name: N): pg.PgTimestampBuilderInitial<N>;
  index(name: string): pg.IndexBuilderOn;
  uniqueIndex(name: string): pg.IndexBuilderOn;
}

type Id<B extends pg.PgUUIDBuilderInitial<"">> = ReturnType<ReturnType<B["primaryKey"]>["$defaultFn"]>;

/** The builder for one namespace of one dialect. */
export function tableBuilder(dialect: Dialect, namespace: string): TableBuilder {
  const name = (local: string) => `${namespace}_${local}`;
  return dialect === "postgres" ? postgresBuilder(name) : sqliteBuilder(name);
}

function postgresBuilder(prefixed: (name: string) => string): TableBuilder {
  const builder = {
    table: (name: string, columns: Columns, extra?: (self: never) => ExtraConfig) =>
      pg.pgTable(prefixed(name), columns, extra && ((self) => [...extra(self as never)])),
    id: () => pg.uuid("id").primaryKey().$defaultFn(uuidv7),
    uuid: (name: string) => pg.uuid(name),
    text: (name: string) => pg.text(name),
    integer: (name: string) => pg.integer(name),
    bigint: (name: string) => pg.bigint(name, { mode: "number" }),
    real: (name: string) => pg.doublePrecision(name),
    boolean: (name: string) => pg.boolean(name),
    json: (name: string) => pg.jsonb(name),
    timestamp: (name: string) => pg.timestamp(name, { withTimezone: true, precision: 3, mode: "date" }),
    index: (name: string) => pg.index(prefixed(name)),
    uniqueIndex: (name: string) => pg.uniqueIndex(prefixed(name)),
  };
  return builder as unknown as TableBuilder;
}

/** The same calls on the SQLite builders, behind the Postgres builders' types. */
function sqliteBuilder(prefixed: (name: string) => string): TableBuilder {
  type SqliteColumns = Record<string, sqlite.SQLiteColumnBuilderBase>;
  type SqliteExtra = readonly sqlite.SQLiteTableExtraConfigValue[];
  const builder = {
    table: (name: string, columns: SqliteColumns, extra?: (self: never) => SqliteExtra) =>
      sqlite.sqliteTable(prefixed(name), columns, extra && ((self) => [...extra(self as never)])),
    id: () => sqlite.text("id").primaryKey().$defaultFn(uuidv7),
    uuid: (name: string) => sqlite.text(name),
    text: (name: string) => sqlite.text(name),
    integer: (name: string) => sqlite.integer(name),
    bigint: (name: string) => sqlite.integer(name),
    real: (name: string) => sqlite.real(name),
    boolean: (name: string) => sqlite.integer(name, { mode: "boolean" }),
    json: (name: string) => sqlite.text(name, { mode: "json" }),
    timestamp: (name: string) => sqlite.integer(name, { mode: "timestamp_ms" }),
    index: (name: string) => sqlite.index(prefixed(name)),
    uniqueIndex: (name: string) => sqlite.uniqueIndex(prefixed(name)),
  };
  return builder as unknown as TableBuilder;
}
