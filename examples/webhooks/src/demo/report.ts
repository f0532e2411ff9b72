import { type Counts, count } from "./counts.ts";
import type { Answer } from "./flakiness.ts";
import { failingOrders, type Sent } from "./send-orders.ts";
import type { System } from "./system.ts";
import { type Row, table } from "./table.ts";

interface Ended {
  readonly system: System;
  readonly sent: Sent;
  readonly seconds: number;
}

/** Print what was counted, what it means and, as the last line, the result. True when the promise was kept. */
export async function report(ended: Ended): Promise<boolean> {
  const counts = await count(ended.system);
  const { committed, completed, unfinished, delivered, lost, leaked, duplicates } = counts;
  const isAsSent = committed === ended.sent.placed && ended.sent.failed === failingOrders;
  const isKept = lost === 0 && leaked === 0 && isAsSent && completed === committed && unfinished === 0;
  console.log(`\n${table(rows(counts, ended))}\n`);
  console.log(isKept ? explanation(ended) : complaint(counts, ended));
  console.log(
    `\ncommitted=${committed} delivered=${delivered} lost=${lost} leaked=${leaked} duplicates=${duplicates}`,
  );
  return isKept;
}

function rows(counts: Counts, { system: { receiver }, sent }: Ended): readonly Row[] {
  const requests = (answer: Answer) =>
    receiver.arrivals.filter((arrival) => arrival.answer === answer).length;
  return [
    ["Orders sent", sent.orders],
    ["  committed: the order and its webhook in one transaction", counts.committed],
    ["  rolled back after the webhook was triggered", sent.failed],
    null,
    ["Requests to the receiver", receiver.arrivals.length + receiver.forged],
    ["  accepted", requests("accept")],
    ["  accepted, then the connection cut before the answer", requests("drop")],
    ["  refused with 500", requests("error")],
    ["  refused with 429: come back in a second", requests("busy")],
    ["  left without an answer until the hook timed out", requests("hang")],
    ["  with a wrong signature", receiver.forged],
    null,
    ["Committed orders whose webhook was delivered", counts.delivered],
    ["  lost: committed, but not delivered", counts.lost],
    ["  leaked: rolled back, but delivered", counts.leaked],
    ["  duplicates: delivered once more under the same key", counts.duplicates],
  ];
}

function explanation({ seconds, system }: Ended): string {
  return [
    `Proven in ${seconds.toFixed(1)} s on ${system.databaseName}: each committed order was announced, although the receiver failed`,
    "and the worker was killed; none that rolled back was. Delivery is at least once: where an answer got",
    "lost, the webhook came again, and a receiver knows it by its Idempotency-Key.",
    "",
    "Next: `npm start -- --serve` keeps all of it running for you to try with curl.",
    "      examples/webhooks/src/webhooks.ts is the code to copy.",
  ].join("\n");
}

function complaint({ committed, completed, unfinished }: Counts, { sent }: Ended): string {
  return (
    `Not as promised: ${sent.placed} orders were answered 201 and ${sent.failed} with an error, ${committed} are in the ` +
    `database; of their webhooks ${completed} have completed and ${unfinished} have not.`
  );
}
