import { noRetry } from "@sherd/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { bothDatabases, useDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { holdUpReading } from "../../../postgres/test/reading.ts";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { loseLeases, stalled } from "../guarantees/stalled-process.ts";

const inAnHour = () => new Date(Date.now() + 3_600_000);

describe.each(bothDatabases)("replacing a hook that is held, on %s", (kind) => {
  const database = useDatabase(kind);

  it("a payload that replaced another is attempted, although the process that ran the other died", async () => {
    const adapter = database.adapter();
    const { fragment, processor } = await makeProbe(
      adapter,
      freshNamespace(),
      () => new Promise(() => {}),
      stalled,
    );
    const id = await fragment.services.trigger("old", { key: "one", retry: noRetry() });
    await processor.wake();
    await fragment.services.trigger("new", { key: "one", onConflict: "replace", retry: noRetry() });
    expect(await loseLeases(adapter, fragment.namespace)).toBe(1);
    expect(await fragment.hooks.get(id)).toMatchObject({ payload: "new", status: "pending" });
  });

  it("a payload that is due later does not occupy its concurrency key because the process of the one before died", async () => {
    const adapter = database.adapter();
    const ran: unknown[] = [];
    const run = (payload: unknown) => {
      ran.push(payload);
      return payload === "old" ? new Promise<void>(() => {}) : undefined;
    };
    const { fragment, processor } = await makeProbe(adapter, freshNamespace(), run, stalled);
    const options = { key: "one", concurrencyKey: "shared" } as const;
    await fragment.services.trigger("old", options);
    await processor.wake();
    await fragment.services.trigger("later", { ...options, onConflict: "replace", processAt: inAnHour() });
    expect(await loseLeases(adapter, fragment.namespace)).toBe(1);
    await fragment.services.trigger("other", { concurrencyKey: "shared" });
    await processor.wake();
    expect(ran).toEqual(["old", "other"]);
  });

  it("the concurrency key of a running hook stays busy until it ends, whatever key its replacement has", async () => {
    const release = signal();
    const ran: unknown[] = [];
    const { fragment, processor } = await makeProbe(database.adapter(), freshNamespace(), (payload) => {
      ran.push(payload);
      return release.promise;
    });
    onTestFinished(() => {
      release.resolve();
      return processor.idle();
    });
    await fragment.services.trigger("first", { key: "one", concurrencyKey: "a" });
    await processor.wake();
    await fragment.services.trigger("again", { key: "one", onConflict: "replace", concurrencyKey: "b" });
    await fragment.services.trigger("second", { concurrencyKey: "a" });
    await processor.wake();
    expect(ran).toEqual(["first"]);
  });
});

describe("a claim on PostgreSQL", () => {
  const database = useDatabase("postgres.js");

  it("a payload that replaces a large one between a claim's lease and its bodies does not run before it is due", async () => {
    const adapter = database.adapter();
    const ran: unknown[] = [];
    const { fragment, processor } = await makeProbe(
      adapter,
      freshNamespace(),
      (payload) => void ran.push(payload),
    );
    const reading = await holdUpReading(database.location ?? "");
    onTestFinished(() => reading.close());
    const id = await fragment.services.trigger("now".padEnd(3_000), { key: "one" });
    await reading.between(
      () => processor.wake(),
      () =>
        fragment.services.trigger("in an hour", { key: "one", onConflict: "replace", processAt: inAnHour() }),
    );
    await processor.idle();
    expect(ran).toEqual([]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", payload: "in an hour" });
  });
});
