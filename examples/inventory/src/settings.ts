import { z } from "zod";

const milliseconds = z.coerce.number().int().positive();

const environment = z.object({
  INVENTORY_API: z.url(),
  SQLITE_FILE: z.string().default("inventory.db"),
  /** How long one request may take. */
  API_TIMEOUT_MS: milliseconds.default(10_000),
  /** How often each warehouse is read. */
  EVERY_MS: milliseconds.default(3_600_000),
  CONCURRENCY: z.coerce.number().int().positive().default(10),
  /** How long a warehouse waits after a failure; doubled with each further one in the same round, up to the longest. */
  RETRY_MS: milliseconds.default(30_000),
  LONGEST_RETRY_MS: milliseconds.default(600_000),
  /** For how long a process that died keeps its warehouses from the next one. */
  LEASE_MS: milliseconds.default(60_000),
  /** How long a shutdown waits for the page that is under way. */
  SHUTDOWN_MS: milliseconds.default(5_000),
});

export type Settings = z.infer<typeof environment>;

export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return environment.parse(env);
}
