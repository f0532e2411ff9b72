/** What a worker of a test does: read the pages of each warehouse, and write down who has read which. */
import { createSubjects, pool, type Subjects } from "../../src/index.ts";
import { defineFragment, type DatabaseAdapter, instantiate, migrate, type Migration } from "@sherd/core";

export interface Cursor {
  /** The last page that was read. */
  readonly page: number;
}

export const pagesPerWarehouse = 5;

/** What a worker process is started with, as JSON. */
export interface WorkerOptions {
  readonly location: string;
  readonly profile: string;
  readonly namespace: string;
  readonly leaseMs: number;
  /** Kill itself, as `kill -9` would, when it has done this to this page; never, when null. */
  readonly dies: { readonly page: number; readonly when: "before checkpoint" | "after checkpoint" } | null;
  /** Once this page is checkpointed, it never ends and listens to nothing; null: it goes on. */
  readonly hangsAfter?: number | null;
  /** How the cursor is kept: by a checkpoint of its own, or in one transaction with the page. */
  readonly commits: "after" | "together";
}

export const pools = { warehouse: pool<Cursor>() };

const columns = (id: string) =>
  `create table "{{namespace}}_read" (id ${id} primary key not null, warehouse text not null, page integer not null, pid integer not null)`;
const migrations: readonly Migration[] = [
  { tag: "0001_init", compatible: true, postgres: [columns("uuid")], sqlite: [columns("text")] },
];

const reads = defineFragment("reads")
  .withTables(
    (t) => ({
      read: t.table("read", {
        id: t.id(),
        warehouse: t.text("warehouse").notNull(),
        page: t.integer("page").notNull(),
        pid: t.integer("pid").notNull(),
      }),
    }),
    { migrations },
  )
  .withServices(() => ({
    async note(uow, row: { readonly warehouse: string; readonly page: number; readonly pid: number }) {
      await uow.db.insert(uow.tables.read).values(row);
    },
    async all(uow) {
      return uow.db.select().from(uow.tables.read).orderBy(uow.tables.read.page);
    },
  }))
  .build();

export async function openReads(databaseAdapter: DatabaseAdapter, namespace: string) {
  const fragment = instantiate(reads).withOptions({ databaseAdapter, namespace }).build();
  await migrate(fragment);
  return fragment;
}

export function openWarehouses(databaseAdapter: DatabaseAdapter, profile: string): Subjects<typeof pools> {
  return createSubjects({ databaseAdapter, pools, profile, owner: `pid ${process.pid}` });
}
