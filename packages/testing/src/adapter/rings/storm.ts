import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";
import type { QueueUnderTest } from "../queue-under-test.ts";
import { seededRandom } from "../seeded-random.ts";
import { StormLog } from "../storm-log.ts";
import { StormWorker } from "../storm-worker.ts";

const seeds = [1, 20_260, 4_242_424];
const boundMs = 20_000;
const maxAttempts = 1000;

/** Three workers that forget leases, settle late, and sweep and renew at random; what they saw must add up. */
export const storm: Guarantees = Object.fromEntries(
  seeds.map((seed) => [
    `in a storm of claims, settles, sweeps and renewals, every item is held by one and completed once (seed ${seed})`,
    (q: QueueUnderTest) => runStorm(q, seed),
  ]),
);

async function runStorm(q: QueueUnderTest, seed: number): Promise<void> {
  const items = Array.from({ length: 120 }, (_, index) =>
    q.newItem({ maxAttempts, concurrencyKey: index % 4 === 0 ? `k${index % 3}` : null, priority: index % 2 }),
  );
  await q.enqueue(...items);
  const log = new StormLog();
  const workers = q.adapters.map(
    ({ storage }, index) =>
      new StormWorker({ name: `worker-${index}`, q, storage, log, random: seededRandom(seed + index) }),
  );
  const deadline = performance.now() + boundMs;
  await Promise.all(
    workers.map(async (worker) => {
      while (log.completed.size < items.length && performance.now() < deadline) await worker.act();
    }),
  );

  expect(log.completed.size, `completed within ${boundMs} ms`).toBe(items.length);
  expect(log.overlaps(({ id }) => id)).toEqual([]);
  const keyOf = new Map(items.map(({ id, concurrencyKey }) => [id, concurrencyKey]));
  expect(log.overlaps(({ id }) => keyOf.get(id) ?? null)).toEqual([]);
  expect(log.unended()).toEqual([]);
  for (const { id } of items) {
    const { outcome, attempts, failures, lost } = await q.view(id);
    const counted = { completions: log.completed.get(id), ...log.attemptsOf(id), outcome: "completed" };
    expect(counted).toEqual({ completions: 1, attempts, failures, lost, outcome });
  }
}
