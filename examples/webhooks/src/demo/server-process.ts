/** The example's server as it is, and one route more: orders that fail at the last moment. */
import "./follow-parent.ts";
import type { AddressInfo } from "node:net";
import { app, fragment, server } from "../server.ts";
import { newOrder } from "../webhooks.ts";

app.post("/failing-orders", async (c) => {
  const order = newOrder.parse(await c.req.json());
  const failing = fragment.databaseAdapter.transaction(async ({ db }) => {
    await fragment.within(db, ({ services }) => services.placeOrder(order));
    throw new Error("The rows of the order and of its webhook are written. This rolls both back.");
  });
  return failing.catch((error: Error) => c.json({ error: error.message }, 500));
});

const ready = () => process.send?.({ port: (server.address() as AddressInfo).port });
if (server.listening) ready();
else server.once("listening", ready);
