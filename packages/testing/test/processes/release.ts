import { setTimeout as sleep } from "node:timers/promises";
import { defineFragment, fixed, hook, type Migration } from "@sherd/core";
import { z } from "zod";

const columns = (uuid: string, bigint: string) =>
  `create table "{{namespace}}_run" (id ${uuid} primary key not null, hook text not null, attempt integer not null, ` +
  `phase text not null, pid integer not null, at ${bigint} not null)`;
const migrations: readonly Migration[] = [
  {
    tag: "0001_init",
    compatible: true,
    postgres: [columns("uuid", "bigint")],
    sqlite: [columns("text", "integer")],
  },
];

/** What a handler is to do once it has left its row. */
export const order = z.object({
  act: z.enum(["return", "kill", "hang", "take", "commit late"]),
  /** How long it takes, in milliseconds. */
  ms: z.number().optional(),
});
export type Order = z.infer<typeof order>;

/** One step of one attempt, as its process saw it. */
export interface Run {
  readonly hook: string;
  readonly attempt: number;
  readonly phase: "start" | "end" | "effect";
  readonly pid: number;
  readonly at: number;
}

const base = defineFragment<{ readonly record: (run: Run) => Promise<void> }>("release")
  .withTables(
    (t) => ({
      run: t.table("run", {
        id: t.id(),
        hook: t.text("hook").notNull(),
        attempt: t.integer("attempt").notNull(),
        phase: t.text("phase").$type<Run["phase"]>().notNull(),
        pid: t.integer("pid").notNull(),
        at: t.bigint("at").notNull(),
      }),
    }),
    { migrations },
  )
  .withHooks(({ config }) => ({
    work: hook({
      input: order,
      retry: fixed({ delayMs: 0, maxAttempts: 10 }),
      async run({ act, ms = 0 }, ctx) {
        const record = async (phase: Run["phase"]) => {
          await config.record({
            hook: ctx.id,
            attempt: ctx.attempt,
            phase,
            pid: process.pid,
            at: Date.now(),
          });
        };
        await record("start");
        if (act === "kill") process.kill(process.pid, "SIGKILL");
        if (act === "hang") await new Promise(() => {});
        if (act === "take") await sleep(ms, undefined, { signal: ctx.signal });
        if (act === "commit late") {
          await sleep(ms);
          await ctx.transaction(async (uow) => {
            const { id: hookId, attempt } = ctx;
            const row = { hook: hookId, attempt, phase: "effect" as const, pid: process.pid, at: Date.now() };
            await uow.db.insert(uow.tables.run).values(row);
          });
          return;
        }
        await record("end");
      },
    }),
  }));

const recording = base.withServices(() => ({
  async record(uow, row: Run) {
    await uow.db.insert(uow.tables.run).values(row);
  },
  async runs(uow): Promise<Run[]> {
    return uow.db.select().from(uow.tables.run).orderBy(uow.tables.run.at);
  },
  order(uow, orders: readonly Order[]) {
    return orders.map((each) => uow.triggerHook("work", each));
  },
}));

/** The code before a deploy, which knows `work` alone. */
export const olderRelease = recording.build();

/** The code after it. */
export const newerRelease = recording
  .withHooks(() => ({ added: hook({ run() {} }) }))
  .withServices(() => ({ orderAdded: (uow) => uow.triggerHook("added") }))
  .build();
