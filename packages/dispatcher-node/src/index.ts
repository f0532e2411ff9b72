export { createDurableHooksDispatcher } from "./dispatcher.ts";
export type {
  DispatcherErrorContext,
  DispatcherOptions,
  DurableHooksDispatcher,
  StopPollingOptions,
} from "./dispatcher.ts";
