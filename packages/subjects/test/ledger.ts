import { type DatabaseAdapter, defineFragment, instantiate, migrate, type Migration } from "@sherd/core";

const migrations: readonly Migration[] = [
  {
    tag: "0001_init",
    compatible: true,
    postgres: [`create table "{{namespace}}_row" (id uuid primary key not null, note text not null)`],
    sqlite: [`create table "{{namespace}}_row" (id text primary key not null, note text not null)`],
  },
];

const ledgerDefinition = defineFragment("ledger")
  .withTables((t) => ({ row: t.table("row", { id: t.id(), note: t.text("note").notNull() }) }), {
    migrations,
  })
  .withServices(() => ({
    async note(uow, note: string) {
      await uow.db.insert(uow.tables.row).values({ note });
    },
    async notes(uow): Promise<readonly string[]> {
      return (await uow.db.select().from(uow.tables.row)).map(({ note }) => note);
    },
  }))
  .build();

/** A fragment with a table of notes, migrated. */
export async function makeLedger(databaseAdapter: DatabaseAdapter) {
  const namespace = `l${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const ledger = instantiate(ledgerDefinition).withOptions({ databaseAdapter, namespace }).build();
  await migrate(ledger);
  return ledger;
}
