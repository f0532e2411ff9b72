/** Runs a range of seeds in a process of its own, and tells its parent how far it is and what it found. */
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { simulate, type SimulationReport } from "@sherd/testing/simulator";
import { shopWithFeeds } from "./shop-with-feeds.ts";

export interface Range {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly steps: number;
  readonly processes: number;
}

/** A report that can be sent: its maps are lists. */
export type SentReport = Omit<SimulationReport, "faults"> & {
  readonly faults: readonly (readonly [string, number])[];
};

export type Message = { readonly done: number } | { readonly report: SentReport };

export async function runRange(range: Range, onSeed: (done: number) => void): Promise<SentReport> {
  const report = await simulate({
    ...range,
    app: shopWithFeeds,
    dispatcher: (options) => createDurableHooksDispatcher({ ...options, pollIntervalMs: 5_000 }),
    onSeed: ({ done }) => onSeed(done),
  });
  return { ...report, faults: [...report.faults] };
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  const send = (message: Message) => void process.send?.(message);
  const report = await runRange(JSON.parse(process.argv[2] ?? "{}") as Range, (done) => send({ done }));
  send({ report });
  process.disconnect();
}
