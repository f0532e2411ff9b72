import { createDurableHooksProcessor, type DatabaseAdapter, type ProcessDueOptions } from "@sherd/core";
import postgres from "postgres";
import { postgresAdapter } from "../../src/index.ts";
import { openMails } from "./mails.ts";

let database: string | null = null;

/** A database of this run's own on the server that other tests use, too. */
export function databaseUrl(env: Cloudflare.Env): string {
  const url = new URL(env.POSTGRES_URL);
  url.pathname = database ??= `workerd_${crypto.randomUUID().replaceAll("-", "")}`;
  return url.href;
}

/** A Worker may not share a socket between invocations: each one has an adapter of its own, and closes it in the end. */
async function withAdapter<T>(
  env: Cloudflare.Env,
  work: (adapter: DatabaseAdapter) => Promise<T>,
): Promise<T> {
  const adapter = postgresAdapter(databaseUrl(env), { max: 3, applicationName: "a worker" });
  try {
    return await work(adapter);
  } finally {
    await adapter.close();
  }
}

async function cutConnections(env: Cloudflare.Env): Promise<void> {
  const server = postgres(databaseUrl(env), { max: 1 });
  await server`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'a worker'`;
  await server.end();
}

function processDue(env: Cloudflare.Env, options: ProcessDueOptions) {
  return withAdapter(env, async (adapter) =>
    createDurableHooksProcessor(openMails(adapter, () => cutConnections(env)))?.processDue(options),
  );
}

export default {
  async scheduled(_controller, env) {
    await processDue(env, { deadlineMs: 10_000 });
  },

  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "POST /mails": {
        const { to, hangsAt } = await request.json<{ to: string; hangsAt?: number[] }>();
        const id = await withAdapter(env, (adapter) => openMails(adapter).services.send(to, hangsAt));
        return Response.json({ id }, { status: 201 });
      }
      case "POST /process":
        return Response.json(await processDue(env, { deadlineMs: Number(searchParams.get("deadlineMs")) }));
      default:
        return new Response("Not Found", { status: 404 });
    }
  },
} satisfies ExportedHandler<Cloudflare.Env>;
