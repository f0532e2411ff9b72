import { DatabaseSync } from "node:sqlite";
import { isSherdError } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { useDatabase } from "../../../../tooling/databases.ts";
import { signal } from "../../../../tooling/signal.ts";
import { freshNamespace, makeProbe } from "../guarantees/probe.ts";
import { dispatchWithoutPoll, freshFile, soon } from "./bounded.ts";

it("other processes' commits are noticed again after the connection was busy for long", async () => {
  const path = await freshFile();
  const namespace = freshNamespace();
  const writer = await makeProbe(sqliteAdapter(path), namespace);
  onTestFinished(() => writer.fragment.databaseAdapter.close());
  const database = new DatabaseSync(path);
  onTestFinished(() => database.close());
  const { processor } = await makeProbe(sqliteAdapter(database, { busyTimeoutMs: 50 }), namespace);
  const failed = signal<unknown>();
  let woken = signal();
  const unsubscribe = await processor.subscribe({
    onWake: () => woken.resolve(),
    onDueIn() {},
    onError: (error) => failed.resolve(error),
  });
  onTestFinished(unsubscribe);
  database.exec("BEGIN");
  await writer.fragment.services.trigger();
  await failed.promise;
  database.exec("COMMIT");
  woken = signal();
  await writer.fragment.services.trigger();
  expect(await soon(woken.promise.then(() => "woken"))).toBe("woken");
});

describe("on the one connection of PGlite", () => {
  const database = useDatabase("PGlite");

  it("a wake-up from inside of a transaction reports no error, and the hook runs", async () => {
    const ran = signal();
    const { fragment, processor } = await makeProbe(database.adapter(), freshNamespace(), () =>
      ran.resolve(),
    );
    const errors: unknown[] = [];
    dispatchWithoutPoll(processor, errors);
    await processor.wake();
    await fragment.transaction(async (uow) => {
      fragment.wake();
      await uow.db.select().from(uow.tables.effect);
      uow.triggerHook("work", null);
    });
    expect(await soon(ran.promise.then(() => "ran"))).toBe("ran");
    expect(errors.map((error) => isSherdError(error) && error.code)).toEqual([]);
  });
});
