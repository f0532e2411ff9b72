import type { Asked, Expected } from "./registry.ts";

/** How long a tenant has to commit and to work before it is asked. No request may take longer. */
export const graceMs = 60_000;
/** How many are asked in one sweep: a Worker may call out a thousand times. The others are for the next sweep. */
const limit = 500;

/** Ask the tenants that are overdue for their status: that is what puts a lost alarm back in its place. */
export async function sweep({ REGISTRY, TENANT }: Cloudflare.Env, now: number): Promise<void> {
  const registry = REGISTRY.getByName("registry");
  const overdue = await registry.overdue(now - graceMs, limit);
  await registry.note(await Promise.all(overdue.map((expected) => ask(TENANT, expected, now))));
}

async function ask(tenants: Cloudflare.Env["TENANT"], expected: Expected, now: number): Promise<Asked> {
  try {
    const status = await tenants.getByName(expected.tenant).status();
    const dueAt = Object.values(status?.nextWakeAt ?? {}).flatMap((at) => at?.getTime() ?? []);
    return { ...expected, dueAt: dueAt.length === 0 ? null : Math.min(...dueAt) };
  } catch (error) {
    console.error(`${expected.tenant} did not answer:`, error);
    // Behind the others, so that one in trouble keeps none from being asked.
    return { ...expected, dueAt: now };
  }
}
