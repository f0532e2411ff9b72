import { env, exports } from "cloudflare:workers";
import { isSherdError, migrate, type ProcessedHooks } from "@sherd/core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { postgresAdapter } from "../../src/index.ts";
import { interrupted, openMails, ran } from "./mails.ts";
import { databaseUrl } from "./worker.ts";

/** The Worker as the platform invokes it, each time in a context of its own. */
const { default: worker } = exports as unknown as {
  readonly default: Fetcher & { scheduled(event: { cron: string; scheduledTime: Date }): Promise<unknown> };
};
const name = () => new URL(databaseUrl(env)).pathname.slice(1);

/** Work with the Worker's database as another process of the application would. */
async function beside<T>(work: (mails: ReturnType<typeof openMails>) => Promise<T>): Promise<T> {
  const adapter = postgresAdapter(databaseUrl(env));
  try {
    return await work(openMails(adapter));
  } finally {
    await adapter.close();
  }
}

async function onServer<T>(work: (server: postgres.Sql) => Promise<T>): Promise<T> {
  const server = postgres(env.POSTGRES_URL, { max: 1, onnotice: () => {} });
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}

async function send(to: string, hangsAt: readonly number[] = []): Promise<string> {
  const body = JSON.stringify({ to, hangsAt });
  const response = await worker.fetch("https://worker.test/mails", { method: "POST", body });
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

async function callProcess(deadlineMs: number): Promise<ProcessedHooks> {
  const response = await worker.fetch(`https://worker.test/process?deadlineMs=${deadlineMs}`, {
    method: "POST",
  });
  expect(response.status).toBe(200);
  return response.json();
}

/** The connections that the Worker has open. */
const connections = () =>
  onServer(
    (server) => server`
      select pid from pg_stat_activity where datname = ${name()} and application_name = 'a worker'`,
  );

beforeAll(async () => {
  await onServer((server) => server.unsafe(`create database ${name()}`));
  await beside((mails) => migrate(mails));
});

afterAll(async () => {
  await onServer((server) => server.unsafe(`drop database ${name()} with (force)`));
});

beforeEach(() => {
  ran.length = 0;
  interrupted.length = 0;
});

test("a cron handler runs what is due, and leaves no connection open", async () => {
  const id = await send("cron");
  expect(ran).toEqual([]);
  await worker.scheduled({ cron: "* * * * *", scheduledTime: new Date() });
  expect(ran).toEqual(["cron, attempt 1"]);
  expect(await beside((mails) => mails.hooks.get(id))).toMatchObject({ status: "completed", attempts: 1 });
  await vi.waitFor(async () => expect(await connections()).toHaveLength(0), { timeout: 5_000 });
});

test("a request runs what is due, and its answer says so", async () => {
  await send("one");
  await send("two");
  const counts = { completed: 2, failed: 0, givenBack: 0, other: 0, nextWakeAt: null };
  expect(await callProcess(10_000)).toEqual(counts);
  expect(ran.toSorted()).toEqual(["one, attempt 1", "two, attempt 1"]);
  expect(await callProcess(10_000)).toEqual({ ...counts, completed: 0 });
});

test("what is not finished at the deadline is given back, and the next call does it", async () => {
  const hung = await send("hung", [1]);
  const quick = await send("quick");
  const report = await callProcess(300);
  expect(report).toMatchObject({ completed: 1, failed: 0, givenBack: 1 });
  expect(new Date(report.nextWakeAt ?? 0).getTime()).toBeGreaterThan(0);
  expect(interrupted).toEqual([hung]);
  await beside(async ({ hooks }) => {
    expect(await hooks.get(quick)).toMatchObject({ status: "completed" });
    const unused = { status: "pending", attempts: 0, failures: 0, lost: 0, owner: null };
    expect(await hooks.get(hung)).toMatchObject(unused);
  });
  await vi.waitFor(async () => expect(await connections()).toHaveLength(0), { timeout: 5_000 });
  expect(await callProcess(10_000)).toMatchObject({ completed: 1, givenBack: 0, nextWakeAt: null });
  expect(ran.filter((each) => each.startsWith("hung"))).toEqual(["hung, attempt 1", "hung, attempt 1"]);
});

test("calls at the same time share the hooks: each runs once", async () => {
  const all = Array.from({ length: 20 }, (_, index) => `mail ${index}.`);
  await beside((mails) =>
    mails.transaction(async (uow) => {
      for (const to of all) await uow.services.send(to);
    }),
  );
  const reports = await Promise.all([callProcess(10_000), callProcess(10_000), callProcess(10_000)]);
  expect(reports.reduce((sum, { completed }) => sum + completed, 0)).toBe(all.length);
  expect(ran.toSorted()).toEqual(all.map((to) => `${to}, attempt 1`).toSorted());
});

test("what a Worker triggers at once is all there, and runs", async () => {
  const all = Array.from({ length: 20 }, (_, index) => `together ${index}.`);
  const ids = await beside((mails) => Promise.all(all.map((to) => mails.services.send(to))));
  expect(new Set(ids).size).toBe(all.length);
  expect(await callProcess(10_000)).toMatchObject({ completed: all.length });
  expect(ran.toSorted()).toEqual(all.map((to) => `${to}, attempt 1`).toSorted());
});

test("a transaction that fails rolls back, and one of the application's own carries hooks", async () => {
  const client = postgres(databaseUrl(env), { max: 3, onnotice: () => {} });
  const db = drizzle(client);
  const adapter = postgresAdapter(db);
  const mails = openMails(adapter);
  const place = (to: string, isRefused: boolean) =>
    db.transaction(async (tx) => {
      await mails.within(tx, (uow) => uow.services.send(to));
      if (isRefused) throw new Error("refused");
    });
  await expect(place("refused", true)).rejects.toThrow("refused");
  await place("kept", false);
  await adapter.close();
  await client.end();
  expect(await callProcess(10_000)).toMatchObject({ completed: 1 });
  expect(ran).toEqual(["kept, attempt 1"]);
});

test("connections that are cut while a hook runs keep nobody from telling that it has completed", async () => {
  const id = await send("cut");
  expect(await callProcess(20_000)).toMatchObject({ completed: 1, failed: 0, nextWakeAt: null });
  expect(await beside((mails) => mails.hooks.get(id))).toMatchObject({ status: "completed", attempts: 1 });
  // An adapter whose connections were cut may take five seconds to close.
}, 20_000);

test("a database that cannot be reached is DATABASE_UNAVAILABLE", async () => {
  const adapter = postgresAdapter("postgres://postgres@127.0.0.1:1/none");
  const error: unknown = await openMails(adapter)
    .services.send("nobody")
    .catch((thrown: unknown) => thrown);
  await adapter.close();
  expect(isSherdError(error, "DATABASE_UNAVAILABLE")).toBe(true);
});
