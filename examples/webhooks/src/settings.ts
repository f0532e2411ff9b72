import { z } from "zod";

const milliseconds = z.coerce.number().int().positive();

const environment = z.object({
  /** PostgreSQL, as postgres://user:password@host/database; without it SQLite. */
  DATABASE_URL: z.string().optional(),
  SQLITE_FILE: z.string().default("orders.db"),
  HOST: z.string().default("127.0.0.1"),
  PORT: z.coerce.number().int().default(3000),
  /** `separate` when `worker.ts` runs as a process of its own; else the server runs the hooks too. */
  WORKER: z.enum(["in-process", "separate"]).default("in-process"),
  /** Shared with the customers, who check the signatures with it. */
  WEBHOOK_SECRET: z.string().default("for development only"),
  WEBHOOK_TIMEOUT_MS: milliseconds.default(10_000),
  WEBHOOK_RETRY_MS: milliseconds.default(1_000),
  /** For how long a worker that died keeps its hooks from the others. */
  LEASE_MS: milliseconds.default(60_000),
});

export type Settings = z.infer<typeof environment>;

export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return environment.parse(env);
}
