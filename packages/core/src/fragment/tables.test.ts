import { getTableConfig as getPostgresConfig, PgTable } from "drizzle-orm/pg-core";
import { getTableConfig as getSqliteConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, test } from "vitest";
import { tableBuilder, type TableBuilder } from "./tables.ts";

function tables(t: TableBuilder) {
  const customer = t.table("customer", { id: t.id() });
  const order = t.table(
    "order",
    {
      id: t.id(),
      customerId: t
        .uuid("customer_id")
        .notNull()
        .references(() => customer.id),
      note: t.text("note"),
      lines: t.integer("lines").notNull(),
      cents: t.bigint("cents"),
      weight: t.real("weight"),
      paid: t.boolean("paid"),
      data: t.json("data"),
      at: t.timestamp("at"),
    },
    (self) => [t.index("order_by_customer").on(self.customerId), t.uniqueIndex("order_note").on(self.note)],
  );
  return { customer, order };
}

const postgres = tables(tableBuilder("postgres", "shop"));
const sqlite = tables(tableBuilder("sqlite", "shop"));
const postgresOrder = getPostgresConfig(postgres.order);
const sqliteOrder = getSqliteConfig(sqlite.order as never);
const types = (columns: readonly { name: string; getSQLType(): string }[]) =>
  Object.fromEntries(columns.map((column) => [column.name, column.getSQLType()]));

test("tables are drizzle's own of the dialect, named with the namespace", () => {
  expect(postgres.order).toBeInstanceOf(PgTable);
  expect(sqlite.order).toBeInstanceOf(SQLiteTable);
  expect([postgresOrder.name, sqliteOrder.name]).toEqual(["shop_order", "shop_order"]);
  expect(getPostgresConfig(tableBuilder("postgres", "web-hooks").table("a", {})).name).toBe("web-hooks_a");
});

test("on PostgreSQL every column has the type that fits it", () => {
  expect(types(postgresOrder.columns)).toEqual({
    id: "uuid",
    customer_id: "uuid",
    note: "text",
    lines: "integer",
    cents: "bigint",
    weight: "double precision",
    paid: "boolean",
    data: "jsonb",
    at: "timestamp (3) with time zone",
  });
});

test("on SQLite every column has the type that fits it", () => {
  expect(types(sqliteOrder.columns)).toEqual({
    id: "text",
    customer_id: "text",
    note: "text",
    lines: "integer",
    cents: "integer",
    weight: "real",
    paid: "integer",
    data: "text",
    at: "integer",
  });
});

test("a value goes into its column and comes back the same", () => {
  const values = { cents: 2 ** 53 - 1, paid: true, data: { a: [1, null] }, at: new Date(1_700_000_000_123) };
  for (const columns of [postgres.order, sqlite.order]) {
    for (const [name, value] of Object.entries(values)) {
      const column = columns[name as keyof typeof values];
      expect(column.mapFromDriverValue(column.mapToDriverValue(value as never) as never)).toEqual(value);
    }
  }
});

test.each([
  ["postgres", postgresOrder.columns],
  ["sqlite", sqliteOrder.columns],
] as const)("on %s an id is the primary key and made at insert, in order", (_dialect, columns) => {
  const id = columns.find(({ name }) => name === "id");
  expect(id).toMatchObject({ primary: true, notNull: true, hasDefault: true });
  const made = Array.from({ length: 10 }, () => String(id?.defaultFn?.()));
  expect(made.toSorted()).toEqual(made);
  expect(made[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});

test("constraints are those of the columns", () => {
  for (const columns of [postgresOrder.columns, sqliteOrder.columns]) {
    const required = columns.filter(({ notNull }) => notNull).map(({ name }) => name);
    expect(required).toEqual(["id", "customer_id", "lines"]);
  }
});

test("a reference points to the other table's id", () => {
  for (const { foreignKeys } of [postgresOrder, sqliteOrder]) {
    const references = foreignKeys.map((key) => key.reference());
    expect(references.map(({ columns }) => columns.map(({ name }) => name))).toEqual([["customer_id"]]);
    expect(references.map(({ foreignColumns }) => foreignColumns.map(({ name }) => name))).toEqual([["id"]]);
  }
  expect(postgresOrder.foreignKeys[0]?.reference().foreignTable).toBe(postgres.customer);
  expect(sqliteOrder.foreignKeys[0]?.reference().foreignTable).toBe(sqlite.customer);
});

test("indexes are named with the namespace, and unique where they say so", () => {
  for (const { indexes } of [postgresOrder, sqliteOrder]) {
    expect(indexes.map(({ config: { name, unique } }) => ({ name, unique }))).toEqual([
      { name: "shop_order_by_customer", unique: false },
      { name: "shop_order_note", unique: true },
    ]);
  }
});

test("a table without indexes has none", () => {
  expect(getPostgresConfig(postgres.customer).indexes).toEqual([]);
  expect(getSqliteConfig(sqlite.customer as never).indexes).toEqual([]);
});
