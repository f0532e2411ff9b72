import type { WakeReason } from "@sherd/core";
import { expect } from "vitest";
import { eventually } from "../../eventually.ts";
import type { Guarantees } from "../guarantee.ts";
import type { QueueUnderTest } from "../queue-under-test.ts";

export const notifier: Guarantees = {
  "a hint reaches those in its process who subscribed to its queue, and says why": async (q) => {
    const mine = await subscribe(q, q.queue);
    const other = await subscribe(q, `${q.queue}/other`);
    q.adapter.notifier.publish(q.queue, "work");
    await eventually(() => mine.heard.includes("work"), { withinMs: 5000 });
    q.adapter.notifier.publish(q.queue, "cancel");
    await eventually(() => mine.heard.includes("cancel"), { withinMs: 5000 });
    expect(other.heard).toEqual([]);
    await Promise.all([mine.end(), other.end()]);
  },

  "a hint that goes with a transaction arrives once it has committed": async (q) => {
    const { heard, end } = await subscribe(q, q.queue);
    const item = q.newItem();
    await q.adapter.transaction(async (tx) => {
      await q.storage.enqueue(tx, [item]);
      await q.adapter.notifier.publishOnCommit(tx, q.queue);
    });
    await eventually(() => heard.includes("work"), { withinMs: 5000 });
    await end();
  },

  "who unsubscribed hears nothing, and the others still do": async (q) => {
    const gone = await subscribe(q, q.queue);
    const still = await subscribe(q, q.queue);
    await gone.end();
    q.adapter.notifier.publish(q.queue, "work");
    await eventually(() => still.heard.includes("work"), { withinMs: 5000 });
    expect(gone.heard).toEqual([]);
    await still.end();
  },

  "a hint that nobody waits for does no harm": async (q) => {
    q.adapter.notifier.publish(q.queue, "work");
    q.adapter.notifier.publish(`${q.queue} with ${"a long name ".repeat(1000)} and 'quotes'`, "cancel");
    const [id] = await q.enqueue({});
    expect(await q.claimIds()).toEqual([id]);
  },
};

async function subscribe(q: QueueUnderTest, queue: string) {
  const heard: WakeReason[] = [];
  const onError = (error: unknown) => expect.fail(`The subscription failed: ${error}`);
  const end = await q.adapter.notifier.subscribe(queue, (reason) => heard.push(reason), onError);
  return { heard, end };
}
