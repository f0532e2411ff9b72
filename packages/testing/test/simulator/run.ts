/** `npm run simulate -- --seeds 10000`: the whole of Sherd under seeded schedules and faults, with its invariants. */
import { parseArgs } from "node:util";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { simulate } from "@sherd/testing/simulator";
import { shop } from "./shop.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    seed: { type: "string" },
    steps: { type: "string", default: "30" },
    processes: { type: "string", default: "3" },
    history: { type: "boolean", default: false },
  },
});

const startedAt = performance.now();
const report = await simulate({
  app: shop,
  dispatcher: (options) => createDurableHooksDispatcher({ ...options, pollIntervalMs: 5_000 }),
  seeds: values.seed === undefined ? Number(values.seeds) : 1,
  firstSeed: Number(values.seed ?? 1),
  steps: Number(values.steps),
  processes: Number(values.processes),
  onSeed: ({ done }) => {
    if (done % 500 === 0)
      console.log(`  ${done} seeds, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  },
});

console.log(
  `\n${report.seeds} seeds, ${report.hooks} hooks, ${report.moves} steps, ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`,
);
console.log("faults injected");
for (const [kind, count] of report.faults) console.log(`  ${String(count).padStart(8)}  ${kind}`);
console.log(`\ninvariants checked after every step or at the end`);
for (const invariant of report.invariants) {
  const isBroken = report.failure?.violations.some((violation) => violation.invariant === invariant) ?? false;
  console.log(`  ${isBroken ? "BROKEN" : "  held"}  ${invariant}`);
}
if (report.failure !== null) {
  const { seed, violations, strikes, history } = report.failure;
  console.log(`\nSeed ${seed} breaks an invariant, with ${strikes} faults left that it needs:`);
  for (const { invariant, what } of violations) console.log(`  ${invariant}: ${what}`);
  console.log(`\n${history.slice(-80).join("\n")}`);
  console.log(
    `\nReplay it: npm run simulate -- --seed ${seed} --steps ${values.steps} --processes ${values.processes}`,
  );
  process.exitCode = 1;
}
