export type { ActionContext, ProcessContext, RunEnd, SimulatedApp } from "./app.ts";
export { type FaultKind, faultKinds } from "./faults.ts";
export type { Violation } from "./invariants.ts";
export { epochMs } from "./process.ts";
export type { MakeDispatcher, SimulatedDispatcher } from "./process.ts";
export type { Random } from "./random.ts";
export { runSeed, simulate } from "./simulate.ts";
export type { SimulateOptions, SimulationFailure, SimulationReport } from "./simulate.ts";
export type { World } from "./world.ts";
