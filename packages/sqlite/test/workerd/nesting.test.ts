import { isSherdError } from "@sherd/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { durableObjectAdapter } from "../../src/durable-object.ts";
import { inObject, openNotes } from "./inside.ts";

const nested = (storage: DurableObjectStorage) =>
  openNotes(durableObjectAdapter(storage, { busyTimeoutMs: 50 })).then(({ fragment }) =>
    fragment
      .transaction(async (uow) => {
        await uow.services.write("outer");
        await fragment.services.write("inner");
      })
      .catch((error: unknown) => error)
      .then(async (error) => ({ error, notes: await fragment.services.notes() })),
  );

test("a call that would wait for the transaction around it is told at once, and all of it rolls back", async () => {
  const { error, notes } = await inObject(nested);
  expect(isSherdError(error, "NESTED_TRANSACTION")).toBe(true);
  expect(notes).toEqual([]);
});

test("in a Worker without an async context it is told after busyTimeoutMs, and nobody waits for ever", async () => {
  const { error, notes } = await inObject((storage) => {
    vi.stubGlobal("process", undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    const answer = nested(storage);
    vi.unstubAllGlobals();
    return answer;
  });
  expect(isSherdError(error, "DATABASE_BUSY") && error.details.waitedMs).toBe(50);
  expect(notes).toEqual([]);
});
