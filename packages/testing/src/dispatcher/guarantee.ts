import type { OpenBench } from "./bench.ts";

/** Tests of one group of guarantees, by the guarantee that each one asserts; each opens one bench. */
export type DispatcherGuarantees = Readonly<Record<string, (open: OpenBench) => Promise<void>>>;
