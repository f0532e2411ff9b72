import { once } from "node:events";
import { styleText } from "node:util";
import type { Answer } from "./flakiness.ts";
import type { Arrival } from "./receiver.ts";
import type { System } from "./system.ts";

const meanings: Record<Answer, string> = {
  accept: "accepted",
  error: "refused with 500, so it comes again",
  busy: "refused with 429, so it comes again in a second",
  hang: "left without an answer, so it times out and comes again",
  drop: "accepted, but the connection cut, so it comes again: a duplicate",
};

/** Keep everything up for someone with curl, and show what the receiver gets, until `end`. */
export async function serve(system: System, end: AbortSignal): Promise<void> {
  const ended = once(end, "abort");
  let { child: worker } = await system.startWorker();
  console.log(instructions(system, worker.pid));
  system.receiver.on("arrival", show);
  while (!end.aborted) {
    await Promise.race([once(worker, "exit"), ended]);
    if (end.aborted) return;
    ({ child: worker } = await system.startWorker());
    console.log(styleText("yellow", `▸ The worker is dead. Worker ${worker.pid} has taken its place.`));
  }
}

function show({ customer, idempotencyKey, attempt, answer }: Arrival): void {
  const time = styleText("dim", new Date().toLocaleTimeString("en-GB"));
  console.log(`${time} ${customer} · key ${idempotencyKey} · attempt ${attempt}: ${meanings[answer]}`);
}

function instructions({ serverUrl, receiverUrl }: System, workerPid: number | undefined): string {
  const order = JSON.stringify({ customer: "you", amount: 4200, webhookUrl: receiverUrl });
  const post = (path: string) => `curl ${serverUrl}${path} -H 'content-type: application/json' -d '${order}'`;
  return `
${styleText("bold", "The server is up.")} From another terminal, place an order, and see its webhook arrive here:

  ${post("/orders")}

Place one that rolls back after it has triggered its webhook, and nothing arrives:

  ${post("/failing-orders")}

Look at the hooks, and kill the worker whenever you like; no webhook is lost:

  curl ${serverUrl}/health
  kill -9 ${workerPid}

The receiver fails now and then on purpose. Ctrl-C ends everything and removes the database.
`;
}
