export type { AdapterUnderTest, Deviation } from "./adapter/adapter-under-test.ts";
export { describeAdapter } from "./adapter/describe-adapter.ts";
export type { DescribeAdapterOptions } from "./adapter/describe-adapter.ts";
export { eventually } from "./eventually.ts";
export { type TestClock, testClock } from "./clock/test-clock.ts";
export { drainHooks, type DrainOptions } from "./fragment/drain-hooks.ts";
export type { DrainedHooks } from "./fragment/drained.ts";
export { expectNotTriggered, expectTriggered, HookAssertionError } from "./fragment/expect-triggered.ts";
export type { ExpectTriggeredOptions, TriggeredHook } from "./fragment/expect-triggered.ts";
export type { Containing } from "./fragment/hook-types.ts";
export { HooksFailed } from "./fragment/hooks-failed.ts";
export { inlineHooks } from "./fragment/inline-hooks.ts";
export { loseFirstAttempts } from "./fragment/lose-first-attempts.ts";
export { performHook, type PerformOptions } from "./fragment/perform-hook.ts";
export { describeDispatcher } from "./dispatcher/describe-dispatcher.ts";
export type { DescribeDispatcherOptions } from "./dispatcher/describe-dispatcher.ts";
export type {
  DispatcherSetup,
  DispatcherUnderTest,
  RunningDispatcher,
} from "./dispatcher/dispatcher-under-test.ts";
