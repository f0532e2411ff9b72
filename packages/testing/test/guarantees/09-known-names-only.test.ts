import { createDurableHooksProcessor, defineFragment, hook, instantiate } from "@sherd/core";
import { z } from "zod";
import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

/** The code of the release before, which has no hook `extra`. */
const olderDefinition = defineFragment("probe")
  .withHooks(() => ({ work: hook({ input: z.unknown(), run() {} }) }))
  .build();

describe.each(everyDatabase)("9. Known names only, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a worker that does not know a hook leaves it alone, for one that does", async () => {
    const namespace = freshNamespace();
    const newer = await makeProbe(database.adapter(), namespace);
    const olderAdapter = database.adapter();
    const isAlone = olderAdapter === newer.fragment.databaseAdapter;
    const older = isAlone
      ? null
      : createDurableHooksProcessor(
          instantiate(olderDefinition).withOptions({ databaseAdapter: olderAdapter, namespace }).build(),
        );
    const [known, unknown] = await newer.fragment.transaction(async (uow) => [
      uow.triggerHook("work", 1),
      uow.triggerHook("extra", 2),
    ]);
    if (older !== null) {
      // Its table is the newer release's; to the older one nothing more is due.
      expect(await older.processDue()).toMatchObject({ completed: 1, failed: 0, nextWakeAt: null });
      expect(await newer.fragment.hooks.get(known ?? "")).toMatchObject({ status: "completed" });
      expect(await newer.fragment.hooks.get(unknown ?? "")).toMatchObject({ status: "pending", attempts: 0 });
    }
    expect((await newer.processor.processDue()).completed).toBe(isAlone ? 2 : 1);
    expect(await newer.fragment.hooks.get(unknown ?? "")).toMatchObject({ status: "completed" });
  });
});
