export { durableObjectAdapter } from "./durable-object-adapter.ts";
export type { DurableObjectAdapterOptions } from "./durable-object-adapter.ts";
export type { DurableObjectStorage } from "./connections/durable-object.ts";
export type { SqliteClock } from "./clock.ts";
