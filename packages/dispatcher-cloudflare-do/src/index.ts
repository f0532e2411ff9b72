export { createDurableHooksDispatcherDurableObject } from "./dispatcher.ts";
export type {
  DispatcherOptions,
  DurableHooksDurableObject,
  ProcessErrorContext,
  Processors,
} from "./dispatcher.ts";
export { FragmentDurableObject } from "./fragment-durable-object.ts";
export type { ObjectReport, ObjectStatus } from "./object-runs.ts";
