import { describe, expect, it } from "vitest";
import { useProbes } from "./use-probe.ts";

const hooks = 1_000;

/** What draining that many hooks that do nothing costs, at a concurrency of 100; the triggers are not counted. */
describe.each([
  ["postgres.js", 0.025 * hooks],
  ["node-postgres", 0.025 * hooks],
  ["node:sqlite in memory", 0.3 * hooks],
  ["node:sqlite on a file", 0.3 * hooks],
  ["libsql", 0.3 * hooks],
] as const)("draining %s", (kind, budget) => {
  const statements = new Map<string, number>();
  const probes = useProbes(kind, {
    onStatement({ verb, statement, phase }) {
      if (phase !== "before") return;
      const name = `${verb} ${statement}`;
      statements.set(name, (statements.get(name) ?? 0) + 1);
    },
  });

  it(`costs at most ${budget} statements for 1,000 hooks`, async () => {
    const { fragment, processor } = await probes.make(() => {}, { concurrency: 100, random: () => 1 });
    await fragment.services.triggerMany(Array.from({ length: hooks }, (_, index) => index));
    statements.clear();
    expect(await processor.processDue()).toMatchObject({ completed: hooks, failed: 0, nextWakeAt: null });
    const total = [...statements.values()].reduce((sum, count) => sum + count, 0);
    expect({ statements, isWithin: total <= budget }).toEqual({ statements, isWithin: true });
  });
});
