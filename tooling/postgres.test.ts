import postgres from "postgres";
import { expect, inject, test } from "vitest";
import { startPostgres } from "./postgres.ts";

test("the run's server is PostgreSQL 18", async () => {
  const sql = postgres(inject("postgresUrl"), { max: 1 });
  const [row] = await sql<{ version: string }[]>`select version()`;
  expect(row?.version).toContain("PostgreSQL 18");
  await sql.end();
});

test("a private server keeps committed data over a crash and restart", async () => {
  const server = await startPostgres();
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  await sql`create table kept (id int)`;
  await sql`insert into kept values (1)`;

  await server.restart(async () => {
    await expect(sql`select 1`).rejects.toThrow();
  });

  expect(await sql`select id from kept`).toEqual([{ id: 1 }]);
  await sql.end();
  await server.stop();
});
