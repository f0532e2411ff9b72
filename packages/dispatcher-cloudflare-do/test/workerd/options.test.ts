import { expect, it } from "vitest";
import { createDurableHooksDispatcherDurableObject, type DispatcherOptions } from "../../src/index.ts";

const createProcessor = () => null;

it.each<[string, Record<string, unknown>]>([
  ["an unknown option", { createProcessor, budget: 5 }],
  ["no createProcessor", {}],
  ["a createProcessor that is none", { createProcessor: {} }],
  ["an onProcessError that is none", { createProcessor, onProcessError: "log" }],
  ["a budget of nothing", { createProcessor, budgetMs: 0 }],
  ["a budget beyond the deadline", { createProcessor, budgetMs: 2_000, deadlineMs: 1_000 }],
  ["a deadline beyond the platform's", { createProcessor, deadlineMs: 900_001 }],
  ["a deadline that is too short", { createProcessor, deadlineMs: 99 }],
  ["interruptions below none", { createProcessor, maxInterruptions: -1 }],
  ["half an interruption", { createProcessor, maxInterruptions: 0.5 }],
])("%s is refused before anything is done", (_, options) => {
  const make = () => createDurableHooksDispatcherDurableObject(options as never);
  expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
});

it.each<[string, Partial<DispatcherOptions<unknown>>]>([
  ["the defaults", {}],
  ["a deadline shorter than the default budget", { deadlineMs: 100 }],
  ["no interruptions", { maxInterruptions: 0 }],
  ["the longest deadline", { deadlineMs: 900_000, budgetMs: 900_000 }],
])("%s are accepted", (_, options) => {
  expect(createDurableHooksDispatcherDurableObject({ createProcessor, ...options })).toBeTypeOf("function");
});
