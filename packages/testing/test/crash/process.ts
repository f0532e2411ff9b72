/** The processes of the harness, as one script: `process.js <task as JSON>`. It sends its parent what it has to say. */
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { StatementObserver } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import type { Wait } from "./orders.ts";
import { scenarios } from "./scenarios.ts";
import { makeSeam } from "./seam.ts";
import { openShop, type ShopOptions } from "./shop.ts";
import type { Acted, ActTask, LockTask, Task, WorkTask } from "./task.ts";

const task = JSON.parse(process.argv[2] ?? "{}") as Task;
if (task.kind === "work") await work(task);
else if (task.kind === "lock") lock(task);
else {
  process.send?.(await act(task));
  process.disconnect();
}

/** Play a scenario, to its end or to the boundary at which this process dies. */
async function act({
  location,
  journal,
  scenario: name,
  death,
  signal = "SIGKILL",
}: ActTask): Promise<Acted> {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`There is no scenario "${name}".`);
  const seam = makeSeam(death, signal);
  const wait = scenario.wait?.(seam);
  const durableHooks = { leaseMs: 150, owner: "the process that dies" };
  const options: ShopOptions = { location, journal, onStatement: seam.observe, durableHooks };
  const shop = openShop(wait === undefined ? options : { ...options, wait });
  const stage = { shop, seam, location };
  const ids = (await scenario.prepare?.(stage)) ?? [];
  seam.arm();
  await scenario.act(stage, ids);
  await shop.processor.stop();
  await shop.close();
  return { passed: seam.passed, prepared: seam.prepared };
}

/** Work until killed. */
async function work({ location, journal, durableHooks, pollIntervalMs, freezesAt }: WorkTask): Promise<void> {
  const wait: Wait = ({ signal }, takesMs) => sleep(takesMs, undefined, { signal });
  const onStatement = freezer(freezesAt);
  const shop = openShop({ location, journal, durableHooks, wait, onStatement });
  const dispatcher = createDurableHooksDispatcher({ processor: shop.processor, pollIntervalMs });
  dispatcher.startPolling();
  // Its parent is gone.
  process.once("disconnect", () => process.exit());
  process.send?.("ready");
}

/** Hold the lock until killed. */
function lock({ location }: LockTask): void {
  const database = new DatabaseSync(location, { timeout: 5_000 });
  database.exec("BEGIN IMMEDIATE");
  // Without it nothing would keep the process.
  process.once("disconnect", () => database.close());
  process.send?.("locked");
}

/** Stops the process as it comes to the statement. */
function freezer(freezesAt: string | undefined): StatementObserver {
  let isDone = false;
  return ({ verb, statement, phase }) => {
    if (isDone || phase !== "before" || `${verb}/${statement}` !== freezesAt) return;
    isDone = true;
    process.kill(process.pid, "SIGSTOP");
  };
}
