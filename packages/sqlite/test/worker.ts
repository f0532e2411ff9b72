/** Another process on the same file, as tests start it: `worker.ts <path> migrate|claim|enqueue|subscribe`. */
import { setTimeout } from "node:timers/promises";
import { sqliteAdapter } from "../src/index.ts";
import { claim, ended, enqueue, queue } from "./items.ts";

const [path = "", task] = process.argv.slice(2);
const adapter = sqliteAdapter(path, { busyTimeoutMs: 20_000 });
const say = (word: string) => process.stdout.write(`${word}\n`);

if (task === "migrate") {
  const [report] = await adapter.migrator.apply([adapter.migrator.kernel]);
  say(`applied ${report?.applied.length}`);
} else if (task === "enqueue") {
  await enqueue(adapter, { id: crypto.randomUUID() });
} else if (task === "subscribe") {
  // Keeps no process alive: it ends by itself.
  await adapter.notifier.subscribe(
    queue,
    () => undefined,
    () => undefined,
  );
  say("subscribed");
} else {
  for (let found = 1; found > 0;) {
    const { items } = await claim(adapter, { limit: 7, owner: String(process.pid) });
    found = items.length;
    for (const { id } of items) say(id);
    await adapter.storage.settle(
      queue,
      items.map((item) => ended(item)),
    );
    await setTimeout(1);
  }
}
if (task !== "subscribe") await adapter.close();
