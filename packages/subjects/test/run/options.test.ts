import { isSherdError } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { expect, it } from "vitest";
import { openSubjects } from "../use-subjects.ts";

const handle = async () => {};
const discover = async () => [];

it.each([
  { dispatcherId: "warehouse" },
  { dispatcherId: "shop", handle },
  { handle: "work" },
  { handle, discover },
  { handle, discover: [], every: 5 },
  { handle, every: 0 },
  { handle, concurrency: 0 },
  { handle, concurrency: 1_001 },
  { handle, leaseMs: 99 },
  { handle, leaseMs: 86_400_001 },
  { handle, timeoutMs: 0 },
  { handle, failurePolicy: "park" },
  { handle, failurePolicy: null },
  { handle, failurePolicy: { parkAfter: 0 } },
  { handle, pollIntervalMs: 5 },
])("runSubjects with %o is INVALID_OPTION", (options) => {
  const subjects = openSubjects(sqliteAdapter(":memory:"));
  const make = () => subjects.runSubjects({ dispatcherId: "warehouse", ...options } as never);
  expect(make).toThrow(expect.toSatisfy((thrown) => isSherdError(thrown, "INVALID_OPTION")) as Error);
});

it("a processor has the concurrency that was asked for, 10 unless it was", () => {
  const subjects = openSubjects(sqliteAdapter(":memory:"));
  expect(subjects.runSubjects({ dispatcherId: "warehouse", handle, concurrency: 3 }).concurrency).toBe(3);
  expect(subjects.runSubjects({ dispatcherId: "warehouse", handle })).toMatchObject({
    concurrency: 10,
    running: 0,
  });
});
