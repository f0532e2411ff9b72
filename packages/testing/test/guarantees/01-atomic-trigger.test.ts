import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

describe.each(everyDatabase)("1. Atomic trigger, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a hook whose transaction committed exists, with what was written beside it", async () => {
    const { fragment } = await makeProbe(database.adapter(), freshNamespace());
    const id = await fragment.transaction(async (uow) => {
      await uow.services.note("order", "written");
      return uow.triggerHook("work", { order: 1 });
    });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", payload: { order: 1 } });
    expect(await fragment.services.effects()).toHaveLength(1);
  });

  it("a hook whose transaction rolled back after an await does not exist, nor does what was written", async () => {
    const { fragment, processor } = await makeProbe(database.adapter(), freshNamespace());
    const rolledBack = fragment.transaction(async (uow) => {
      await uow.services.note("order", "written");
      uow.triggerHook("work", { order: 1 });
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error("the order was refused");
    });
    await expect(rolledBack).rejects.toThrow("the order was refused");
    expect(await processor.processDue()).toMatchObject({ completed: 0, failed: 0 });
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0, processing: 0, completed: 0 });
    expect(await fragment.services.effects()).toEqual([]);
  });
});
