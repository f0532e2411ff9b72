import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { sqliteAdapter } from "../src/index.ts";
import { migrated, openLibsql, temporaryFile } from "./databases.ts";
import { claim, ended, enqueue, queue } from "./items.ts";

/** Run another process to its end; answers the words that it said. */
async function run(path: string, task: string): Promise<string[]> {
  const file = fileURLToPath(new URL("./worker.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@sherd/source", "--disable-warning=ExperimentalWarning", file, path, task],
    patient,
  );
  return stdout.split("\n").filter((word) => word !== "");
}

function hint() {
  let hear = () => {};
  const heard = new Promise<void>((resolve) => (hear = resolve));
  return { hear, heard };
}

const fail = (error: unknown) => expect.fail(String(error));

/** A process of its own takes its time to start where many do. */
const patient = { timeout: 60_000 };

describe("processes on one file", patient, () => {
  test("migrate at once, and one of them applies", async () => {
    const path = temporaryFile();
    const said = await Promise.all([run(path, "migrate"), run(path, "migrate"), run(path, "migrate")]);
    expect(said.flat().toSorted()).toEqual(["applied 0", "applied 0", "applied 1"]);
  });

  test("claim at once, and none shares an item", async () => {
    const path = temporaryFile();
    const adapter = await migrated(path);
    const items = await enqueue(adapter, ...Array.from({ length: 300 }, () => ({})));
    const own: string[] = [];
    const drain = async () => {
      for (let found = 1; found > 0;) {
        const claimed = await claim(adapter, { limit: 5 });
        found = claimed.items.length;
        own.push(...claimed.items.map(({ id }) => id));
        await adapter.storage.settle(
          queue,
          claimed.items.map((item) => ended(item)),
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const [one, two] = await Promise.all([run(path, "claim"), run(path, "claim"), drain()]);
    expect([...one, ...two, ...own].toSorted()).toEqual(items.map(({ id }) => id));
    expect(await adapter.storage.count(queue)).toMatchObject({ pending: 0, processing: 0, completed: 300 });
  });

  test.each(["node:sqlite", "libsql"])("wake each other by their commits, on %s", async (driver) => {
    const path = temporaryFile();
    const adapter = await migrated(driver === "libsql" ? await openLibsql(path) : path);
    const { hear, heard } = hint();
    const end = await adapter.notifier.subscribe(queue, hear, fail);
    await Promise.all([heard, run(path, "enqueue")]);
    await end();
  });

  test("are not kept alive by a subscription", async () => {
    const path = temporaryFile();
    await migrated(path);
    expect(await run(path, "subscribe")).toEqual(["subscribed"]);
  });
});

describe("two adapters of one process on one file", patient, () => {
  test("wake each other by their commits, and not themselves", async () => {
    const path = temporaryFile();
    const [one, two] = [await migrated(path), await migrated(path)];
    const heardByOne: string[] = [];
    await one.notifier.subscribe(queue, (reason) => heardByOne.push(reason), fail);
    const first = hint();
    await two.notifier.subscribe(queue, first.hear, fail);
    await enqueue(one, {});
    await first.heard;
    expect(heardByOne).toEqual([]);
  });

  test("hear of a cancellation that was asked for elsewhere, once", async () => {
    const path = temporaryFile();
    const [worker, operator] = [await migrated(path), sqliteAdapter(path)];
    const [item] = await enqueue(worker, {});
    await claim(worker);
    const reasons: string[] = [];
    const { hear, heard } = hint();
    await worker.notifier.subscribe(
      queue,
      (reason) => {
        reasons.push(reason);
        if (reason === "cancel") hear();
      },
      fail,
    );
    expect(await operator.storage.cancel(queue, item!.id)).toBe("requested");
    await heard;
    const again = hint();
    await worker.notifier.subscribe(`${queue}/other`, again.hear, fail);
    await enqueue(operator, {});
    await again.heard;
    expect(reasons.filter((reason) => reason === "cancel")).toHaveLength(1);
    await operator.close();
  });

  test("a hint that is given inside a transaction reaches code that is outside of it", async () => {
    const adapter = await migrated(temporaryFile());
    const claimed = new Promise<unknown>((resolve) => {
      void adapter.notifier.subscribe(queue, () => resolve(claim(adapter)), fail);
    });
    await adapter.transaction(async (tx) => {
      await adapter.storage.enqueue(tx, []);
      adapter.notifier.publish(queue, "work");
      await new Promise((resolve) => setImmediate(resolve));
    });
    await expect(claimed).resolves.toMatchObject({ items: [] });
  });
});
