import type { DatabaseAdapter, Migration } from "@sherd/core";
import { expect } from "vitest";
import { claimRequest } from "../claim-request.ts";
import type { Guarantees } from "../guarantee.ts";
import type { QueueUnderTest } from "../queue-under-test.ts";
import { completed } from "../settlement.ts";

export const migrations: Guarantees = {
  "migrating again changes nothing": async (q) => {
    const { migrator } = q.adapter;
    const tags = migrator.kernel.migrations.map(({ tag }) => tag);
    const report = { scope: migrator.kernel.scope, applied: [], present: tags, ahead: [] };
    expect(await migrator.apply([migrator.kernel])).toEqual([report]);
    await migrator.verify([migrator.kernel]);
  },

  "a scope's migrations are applied in order, once, beside the kernel's": async (q) => {
    const { migrator } = q.adapter;
    const { scope, create, extend } = ownScope();
    expect(await migrator.apply([migrator.kernel, { scope, migrations: [create] }])).toMatchObject([
      { scope: migrator.kernel.scope, applied: [] },
      { scope, applied: [create.tag], present: [], ahead: [] },
    ]);
    expect(await migrator.apply([{ scope, migrations: [create, extend] }])).toEqual([
      { scope, applied: [extend.tag], present: [create.tag], ahead: [] },
    ]);
    await migrator.verify([migrator.kernel, { scope, migrations: [create, extend] }]);
  },

  "a migration that fails leaves nothing of any scope": async (q) => {
    const good = ownScope();
    const bad = ownScope();
    const scope = { scope: good.scope, migrations: [good.create] };
    const broken = {
      scope: bad.scope,
      migrations: [bad.create, migration("0002_broken", "ALTER TABLE nowhere_at_all")],
    };
    await expect(q.adapter.migrator.apply([scope, broken])).rejects.toThrow();
    await expect(q.adapter.migrator.verify([scope])).rejects.toMatchObject({ code: "NOT_MIGRATED" });
    expect(await q.adapter.migrator.apply([scope])).toMatchObject([{ applied: [good.create.tag] }]);
  },

  "a scope that lacks migrations is told, with their tags": async (q) => {
    const { scope, create, extend } = ownScope();
    const known = { scope, migrations: [create, extend] };
    await expect(q.adapter.migrator.verify([known])).rejects.toMatchObject({
      code: "NOT_MIGRATED",
      details: { scope, missing: [create.tag, extend.tag] },
    });
    await q.adapter.migrator.apply([{ scope, migrations: [create] }]);
    await expect(q.adapter.migrator.verify([known])).rejects.toMatchObject({
      code: "NOT_MIGRATED",
      details: { scope, missing: [extend.tag] },
    });
  },

  "code that is older than the database runs on, where the newer migrations allow it": async (q) => {
    const { scope, create, extend } = ownScope();
    await q.adapter.migrator.apply([{ scope, migrations: [create, { ...extend, compatible: true }] }]);
    const older = { scope, migrations: [create] };
    const report = { scope, applied: [], present: [create.tag], ahead: [extend.tag] };
    expect(await q.adapter.migrator.apply([older])).toEqual([report]);
    await q.adapter.migrator.verify([older]);
  },

  "code that is older than the database stops, where a newer migration forbids it": async (q) => {
    const { scope, create, extend } = ownScope();
    await q.adapter.migrator.apply([{ scope, migrations: [create, { ...extend, compatible: false }] }]);
    const newer = { code: "SCHEMA_NEWER", details: { scope, unknown: [extend.tag] } };
    const older = { scope, migrations: [create] };
    await expect(q.adapter.migrator.apply([older])).rejects.toMatchObject(newer);
    await expect(q.adapter.migrator.verify([older])).rejects.toMatchObject(newer);
  },

  "a migration that reads differently than when it was applied is refused": async (q) => {
    const { scope, create, extend } = ownScope();
    await q.adapter.migrator.apply([{ scope, migrations: [create] }]);
    const edited = migration(create.tag, ...create.sqlite, "SELECT 1");
    await expect(q.adapter.migrator.apply([{ scope, migrations: [edited, extend] }])).rejects.toMatchObject({
      code: "MIGRATION_CHANGED",
      details: { scope, tag: create.tag },
    });
  },

  "a database without tables says so, whatever is asked of it": async (q) => {
    await q.inEmpty(async ({ adapter }) => {
      const { migrator } = adapter;
      const notMigrated = { code: "NOT_MIGRATED", message: expect.stringContaining("migrate(") };
      for (const [verb, call] of Object.entries(verbs(q, adapter))) {
        await expect(call(), verb).rejects.toMatchObject(notMigrated);
      }
      await expect(migrator.verify([migrator.kernel])).rejects.toMatchObject({
        code: "NOT_MIGRATED",
        details: { scope: "kernel", missing: migrator.kernel.migrations.map(({ tag }) => tag) },
      });
      await migrator.apply([migrator.kernel]);
      await migrator.verify([migrator.kernel]);
      await expect(verbs(q, adapter).enqueue()).resolves.toEqual([]);
    });
  },
};

/** Every verb that reads or writes, called as it may be. */
function verbs(q: QueueUnderTest, adapter: DatabaseAdapter) {
  const { queue } = q;
  const { storage } = adapter;
  const id = crypto.randomUUID();
  const lease = crypto.randomUUID();
  return {
    enqueue: () => adapter.transaction((tx) => storage.enqueue(tx, [q.newItem()])),
    sweep: () => storage.sweep(queue, 1, 3),
    claim: () => storage.claim(claimRequest(queue), []),
    extend: () => storage.extend(queue, [lease], 1),
    settle: () => storage.settle(queue, [completed({ id, lease, revision: 0 })]),
    hold: () => adapter.transaction((tx) => storage.hold(tx, lease, id)),
    wake: () => storage.wake(queue, ["a"]),
    nextWakeInMs: () => storage.nextWakeInMs(queue, ["deliver"]),
    closeLeases: () => storage.closeLeases([lease]),
    list: () => storage.list(queue, { status: "completed", limit: 1, cursor: null }),
    count: () => storage.count(queue),
    get: () => storage.get(queue, id),
    retry: () => storage.retry(queue, id),
    cancel: () => storage.cancel(queue, id),
    prune: () => storage.prune(queue, "completed", 0, 1),
  };
}

/** A scope that no other test uses, whose second migration needs its first. */
function ownScope() {
  const table = `conformance_${crypto.randomUUID().replaceAll("-", "")}`;
  return {
    scope: table,
    create: migration(
      "0001_init",
      `CREATE TABLE ${table} (id text)`,
      `CREATE INDEX ${table}_id ON ${table} (id)`,
    ),
    extend: migration("0002_extend", `ALTER TABLE ${table} ADD COLUMN text text`),
  };
}

function migration(tag: string, ...statements: readonly string[]): Migration {
  return { tag, compatible: true, postgres: statements, sqlite: statements };
}
