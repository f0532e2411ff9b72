import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { eventually } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { everyDatabase, useDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace, makeProbe } from "./probe.ts";

describe.each(everyDatabase)("10. Nothing due, nothing asked, on %s", (kind) => {
  const statements: string[] = [];
  const database = useDatabase(kind);
  const open = () =>
    database.adapter({
      onStatement: ({ phase, verb, statement }) =>
        void (phase === "before" && statements.push(`${verb} ${statement}`)),
    });

  it("an idle dispatcher sends no statement but those of its backstop poll: one look each", async () => {
    const pollIntervalMs = 200;
    const { fragment, processor } = await makeProbe(open(), freshNamespace());
    const dispatcher = createDurableHooksDispatcher({ processor, pollIntervalMs });
    dispatcher.startPolling();
    const id = await fragment.services.trigger();
    await eventually(async () => (await fragment.hooks.get(id))?.status === "completed", { withinMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
    statements.length = 0;
    const polls = 5;
    await new Promise((resolve) => setTimeout(resolve, polls * pollIntervalMs));
    const counts = new Map<string, number>();
    for (const statement of statements) counts.set(statement, (counts.get(statement) ?? 0) + 1);
    await dispatcher.stopPolling();
    expect(new Set([...counts.keys()].map((name) => name.split(" ")[0]))).toEqual(
      new Set(["sweep", "claim", "nextWakeInMs"]),
    );
    for (const [statement, count] of counts)
      expect({ statement, count: count <= polls + 1 }).toEqual({ statement, count: true });
    expect(counts.size).toBeLessThanOrEqual(12);
  });
});
