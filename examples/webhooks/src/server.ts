/** The HTTP server, which also runs the hooks unless a separate worker does. `node src/server.ts` */
import { serve } from "@hono/node-server";
import { migrate } from "@sherd/core";
import { Hono } from "hono";
import { onShutdown, openWebhooks, startDispatcher } from "./app.ts";
import { readSettings } from "./settings.ts";

const settings = readSettings();
export const fragment = openWebhooks(settings);
await migrate(fragment);
const dispatcher = settings.WORKER === "separate" ? null : startDispatcher(fragment);

export const app = new Hono()
  .get("/health", async (c) => c.json({ status: "ok", hooks: await fragment.hooks.count() }))
  .all("/orders/*", (c) => fragment.handler(c.req.raw));

export const server = serve(
  { fetch: app.fetch, hostname: settings.HOST, port: settings.PORT },
  ({ address, port }) => console.log(`Listening on http://${address}:${port}`),
);

onShutdown(async () => {
  await new Promise((resolve) => server.close(resolve));
  await dispatcher?.stopPolling();
  await fragment.databaseAdapter.close();
});
