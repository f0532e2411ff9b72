/** A fragment in several releases, each with other migrations: what a database and its code may disagree about. */
import { type DatabaseAdapter, defineFragment, hook, instantiate, type Migration } from "@sherd/core";

const both = (tag: string, compatible: boolean, ...statements: readonly string[]): Migration => ({
  tag,
  compatible,
  postgres: statements,
  sqlite: statements,
});

export const initial = both(
  "0001_init",
  true,
  'create table "{{namespace}}_article" (id text primary key not null, name text not null)',
);
/** Code without it goes on working. */
export const addColumn = both(
  "0002_price",
  true,
  'alter table "{{namespace}}_article" add column price integer',
);
/** Code without it does not. */
export const dropColumn = both("0002_no_name", false, 'alter table "{{namespace}}_article" drop column name');
export const changed = both(
  "0001_init",
  true,
  'create table "{{namespace}}_article" (id text primary key not null, name text)',
);
export const broken = both(
  "0002_broken",
  true,
  'create table "{{namespace}}_other" (id text)',
  "create nonsense",
);

export function shopDefinition(migrations?: readonly Migration[]) {
  return defineFragment("shop")
    .withTables(
      (t) => ({ article: t.table("article", { id: t.id(), name: t.text("name").notNull() }) }),
      migrations === undefined ? undefined : { migrations },
    )
    .withHooks(() => ({ index: hook({ run() {} }) }))
    .withServices(() => ({
      async add(uow, name: string) {
        await uow.db.insert(uow.tables.article).values({ name });
        return uow.triggerHook("index");
      },
      async names(uow) {
        return (await uow.db.select().from(uow.tables.article)).map(({ name }) => name);
      },
    }))
    .build();
}

export function openShop(adapter: DatabaseAdapter, namespace: string, migrations?: readonly Migration[]) {
  return instantiate(shopDefinition(migrations)).withOptions({ databaseAdapter: adapter, namespace }).build();
}
