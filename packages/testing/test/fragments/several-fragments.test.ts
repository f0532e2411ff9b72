import { defineFragment, instantiate, isSherdError, migrate, type Migration } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { eventually } from "@sherd/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, probeDefinition } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

describe.each(everyDatabase)("several fragments on one adapter, on %s", (kind) => {
  const probes = useProbes(kind);

  it("one transaction over two fragments commits the rows and the hooks of both", async () => {
    const [orders, mails] = [await probes.make(), await probes.make()];
    const ids = await orders.fragment.transaction(async (uow) => {
      await uow.services.note("order", "placed");
      const other = uow.use(mails.fragment);
      await other.services.note("mail", "drafted");
      return [uow.triggerHook("work", "order"), other.triggerHook("extra", "mail")] as const;
    });
    expect(await orders.fragment.services.effects()).toMatchObject([{ note: "placed" }]);
    expect(await mails.fragment.services.effects()).toMatchObject([{ note: "drafted" }]);
    expect(await orders.fragment.hooks.get(ids[0])).toMatchObject({ name: "work", payload: "order" });
    expect(await mails.fragment.hooks.get(ids[1])).toMatchObject({ name: "extra", payload: "mail" });
    expect(await mails.processor.processDue()).toMatchObject({ completed: 1 });
    expect(await orders.processor.processDue()).toMatchObject({ completed: 1 });
  });

  it("it rolls back the rows and the hooks of both", async () => {
    const [orders, mails] = [await probes.make(), await probes.make()];
    const failure = new Error("no stock");
    const thrown = await rejection(
      orders.fragment.transaction(async (uow) => {
        await uow.services.note("order", "placed");
        await uow.services.trigger();
        const other = uow.use(mails.fragment);
        await other.services.note("mail", "drafted");
        await other.services.trigger();
        throw failure;
      }),
    );
    expect(thrown).toBe(failure);
    for (const { fragment, processor } of [orders, mails]) {
      expect(await fragment.services.effects()).toEqual([]);
      expect(await processor.processDue()).toMatchObject({ completed: 0 });
      expect(await fragment.hooks.count()).toMatchObject({ pending: 0, completed: 0 });
    }
  });

  it("a fragment on another adapter fails with FRAGMENT_MISMATCH, and the transaction rolls back", async () => {
    const { fragment } = await probes.make();
    const otherAdapter = sqliteAdapter(":memory:");
    onTestFinished(() => otherAdapter.close());
    const other = instantiate(probeDefinition)
      .withConfig({ run() {} })
      .withOptions({ databaseAdapter: otherAdapter })
      .build();
    const refused = await rejection(
      fragment.transaction(async (uow) => {
        await uow.services.note("order", "placed");
        uow.use(other);
      }),
    );
    expect(isSherdError(refused, "FRAGMENT_MISMATCH") && refused.details.namespace).toBe("probe");
    expect(await fragment.services.effects()).toEqual([]);
  });

  it("one definition under two namespaces shares nothing: tables, hooks, processors, operations", async () => {
    const ran: string[] = [];
    const left = await probes.make(() => void ran.push("left"));
    const right = await probes.make(() => void ran.push("right"));
    await left.fragment.services.note("a", "left only");
    const [done, open] = await left.fragment.services.triggerMany(["done", "open"]);
    expect(await right.fragment.services.effects()).toEqual([]);
    expect(await right.fragment.hooks.get(done ?? "")).toBeNull();
    expect((await right.fragment.hooks.list({ status: "pending" })).hooks).toEqual([]);
    expect(await right.fragment.hooks.count()).toMatchObject({ pending: 0, oldestDueMs: null });
    expect(await right.processor.getNextWakeInMs()).toBeNull();
    expect(await right.processor.processDue()).toMatchObject({ completed: 0 });
    for (const operation of ["cancel", "retry"] as const) {
      const refused = await rejection(right.fragment.hooks[operation](open ?? ""));
      expect(isSherdError(refused, "HOOK_NOT_FOUND")).toBe(true);
    }
    expect(await left.processor.processDue()).toMatchObject({ completed: 2 });
    const finishedAt = (await left.fragment.hooks.get(open ?? ""))?.finishedAt?.getTime() ?? Infinity;
    await eventually(() => Date.now() > finishedAt + 1, { withinMs: 2_000 });
    expect(await right.fragment.hooks.prune({ status: "completed", olderThanMs: 0 })).toBe(0);
    expect(await left.fragment.hooks.count()).toMatchObject({ completed: 2 });
    expect(await left.fragment.hooks.prune({ status: "completed", olderThanMs: 0 })).toBe(2);
    expect(ran).toEqual(["left", "left"]);
  });

  it("keys and concurrency keys of two namespaces do not meet", async () => {
    const running: string[] = [];
    const both = Promise.withResolvers<void>();
    const run = (side: string) => () => {
      running.push(side);
      if (running.length === 2) both.resolve();
      return both.promise;
    };
    const left = await probes.make(run("left"));
    const right = await probes.make(run("right"));
    const options = { key: "account 7", concurrencyKey: "account 7", onConflict: "error" } as const;
    await left.fragment.transaction(async (uow) => {
      await uow.services.trigger("left", options);
      await uow.use(right.fragment).services.trigger("right", options);
    });
    // Each runs until the other does, too.
    const ends = await Promise.all([left.processor.processDue(), right.processor.processDue()]);
    expect(ends).toMatchObject([{ completed: 1 }, { completed: 1 }]);
  });

  it("a namespace that another fragment of the adapter has is NAMESPACE_TAKEN", async () => {
    const { fragment } = await probes.make();
    const again = () =>
      instantiate(probeDefinition)
        .withConfig({ run() {} })
        .withOptions({ databaseAdapter: probes.adapter(), namespace: fragment.namespace })
        .build();
    expect(again).toThrow(expect.objectContaining({ code: "NAMESPACE_TAKEN" }));
  });

  it.each(["kernel", "sherd"])(
    "the namespace %s is refused, or does not meet the kernel's own tables",
    async (name) => {
      const text = 'create table "{{namespace}}_item" (id text primary key not null)';
      const migrations: readonly Migration[] = [
        { tag: "0001_init", compatible: true, postgres: [text], sqlite: [text] },
      ];
      const make = () =>
        instantiate(
          defineFragment("shop")
            .withTables((t) => ({ item: t.table("item", { id: t.text("id").primaryKey() }) }), { migrations })
            .withServices(() => ({
              async add(uow) {
                await uow.db.insert(uow.tables.item).values({ id: freshNamespace() });
                return uow.db.$count(uow.tables.item);
              },
            }))
            .build(),
        )
          .withOptions({ databaseAdapter: probes.adapter(), namespace: name })
          .build();
      let shop: ReturnType<typeof make>;
      try {
        shop = make();
      } catch (error) {
        expect(isSherdError(error, "INVALID_OPTION")).toBe(true);
        return;
      }
      await migrate(shop);
      expect(await shop.services.add()).toBe(1);
    },
  );
});
