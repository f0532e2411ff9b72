/** Every measured system by a short name. A driver is loaded where it is used, so that none weighs on another's process. */
import type { System } from "./system.ts";

const drivers = {
  sherd: async () => (await import("./systems/sherd.ts")).sherd,
  sherdSqlite: async () => (await import("./systems/sherd-sqlite.ts")).sherdSqlite,
  graphileWorker: async () => (await import("./systems/graphile-worker.ts")).graphileWorker,
  pgBoss: async () => (await import("./systems/pg-boss.ts")).pgBoss,
  bullmq: async () => (await import("./systems/bullmq.ts")).bullmq,
  bullmqPostgres: async () => (await import("./systems/bullmq-postgres.ts")).bullmqPostgres,
  dbos: async () => (await import("./systems/dbos.ts")).dbos,
  fragno: async () => (await import("./systems/fragno.ts")).fragno,
  fragnoSqlite: async () => (await import("./systems/fragno-sqlite.ts")).fragnoSqlite,
  classic: async () => (await import("./floors/classic.ts")).classic,
  batchLeases100: async () => (await import("./floors/batch-leases.ts")).batchLeases100,
  batchLeases500: async () => (await import("./floors/batch-leases.ts")).batchLeases500,
  rowLeases: async () => (await import("./floors/row-leases.ts")).rowLeases,
  byHand: async () => (await import("./floors/row-leases.ts")).notified,
  nodeSqlite: async () => (await import("./floors/node-sqlite.ts")).nodeSqlite,
  sherdSubjects: async () => (await import("./systems/sherd-subjects.ts")).sherdSubjects,
  sherdSubjectsSqlite: async () => (await import("./systems/sherd-subjects.ts")).sherdSubjectsSqlite,
  subjectsByHand: async () => (await import("./floors/subjects.ts")).subjectsByHand,
  subjectsByHandSqlite: async () => (await import("./floors/subjects-sqlite.ts")).subjectsByHandSqlite,
} satisfies Record<string, () => Promise<System>>;

export type SystemName = keyof typeof drivers;

export const systemNames = Object.keys(drivers) as readonly SystemName[];

export function systemNamed(name: SystemName): Promise<System> {
  return drivers[name]();
}
