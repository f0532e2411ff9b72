import { type DatabaseAdapter, migrate } from "@sherd/core";
import { postgresAdapter } from "@sherd/postgres";
import { sqliteAdapter } from "@sherd/sqlite";
import { createSubjects, pool } from "@sherd/subjects";
import { onlySubjects, subjectKeys, syncBatch } from "../floors/subject-table.ts";
import type { OpenSystem, System } from "../system.ts";

const settings = "batched calls, nothing set";
const common = {
  settings: { tuned: settings, defaults: settings },
  cannot: onlySubjects,
  countDivisor: 1,
} as const;

export const sherdSubjects: System = {
  ...common,
  name: "Sherd's subjects",
  package: "@sherd/subjects",
  backend: "postgres",
  open: ({ url }) => open(postgresAdapter(url)),
};

export const sherdSubjectsSqlite: System = {
  ...common,
  name: "Sherd's subjects on node:sqlite",
  package: "@sherd/subjects",
  backend: "sqlite",
  open: ({ url }) => open(sqliteAdapter(url)),
};

const dispatcherId = "bench";
const leaseMs = 60_000;

async function open(databaseAdapter: DatabaseAdapter): Promise<OpenSystem> {
  await migrate(databaseAdapter);
  const calls = createSubjects({ databaseAdapter, pools: { bench: pool() } });
  return {
    async subjects(count) {
      const keys = subjectKeys(count);
      for (let at = 0; at < count; at += syncBatch) {
        const subjects = keys.slice(at, at + syncBatch).map((subjectKey) => ({ subjectKey }));
        await calls.syncSubjects({ dispatcherId, subjects });
      }
      return { turn: (limit) => (limit === 1 ? turnOne() : turn(limit)) };
    },
    close: () => databaseAdapter.close(),
  };

  async function turnOne(): Promise<number> {
    const [one] = await calls.claimDueSubjects({ dispatcherId, leaseMs, limit: 1 });
    if (one === undefined) return 0;
    const { subjectKey, revision } = one;
    await calls.completeSubject({ dispatcherId, subjectKey, revision, nextDueAt: new Date() });
    return 1;
  }

  async function turn(limit: number): Promise<number> {
    const claimed = await calls.claimDueSubjects({ dispatcherId, leaseMs, limit });
    const nextDueAt = new Date();
    const subjects = claimed.map(({ subjectKey, revision }) => ({ subjectKey, revision, nextDueAt }));
    const results = await calls.completeSubjects({ dispatcherId, subjects });
    return results.filter(({ ok }) => ok).length;
  }
}
