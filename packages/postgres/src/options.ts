import { SherdError, type StatementObserver } from "@sherd/core";

export interface PostgresAdapterOptions {
  /**
   * Connections of the pool that the adapter opens for a URL. Default 10. Transactions run on them; the kernel's own
   * statements, which must not wait for those, go over up to three more, unless this is 1.
   */
  readonly max?: number;
  /** Prepare the kernel's statements, on postgres.js. Default true; false behind PgBouncer in transaction mode. */
  readonly prepare?: boolean;
  /**
   * Hear of other processes' work by LISTEN, and tell them by NOTIFY. Default true for a URL and for
   * postgres.js, else false. A URL listens there: behind PgBouncer, or with a driver that cannot listen,
   * give one that leads to the database itself.
   */
  readonly listen?: boolean | string;
  /** The name of the adapter's own connections in `pg_stat_activity`. Default `sherd`. */
  readonly applicationName?: string;
  /** Called around every statement that the adapter sends. */
  readonly onStatement?: StatementObserver;
}

type Check = readonly [expected: string, holds: (value: unknown) => boolean];

const checks: Record<keyof PostgresAdapterOptions, Check> = {
  max: ["an integer of 1 or more", (value) => Number.isSafeInteger(value) && (value as number) >= 1],
  prepare: ["true or false", (value) => typeof value === "boolean"],
  listen: [
    "true, false or the URL of a database",
    (value) => typeof value === "boolean" || isPostgresUrl(value),
  ],
  applicationName: ["a text that is not empty", (value) => typeof value === "string" && value !== ""],
  onStatement: ["a function", (value) => typeof value === "function"],
};

/** Fails with `INVALID_OPTION` for an option that does not exist, or not with such a value. */
export function checkOptions(options: PostgresAdapterOptions): void {
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, option)) {
      const known = Object.keys(checks).join(", ");
      throw invalidOption(
        option,
        value,
        `postgresAdapter has no option "${option}". Its options are ${known}.`,
      );
    }
    const [expected, holds] = checks[option as keyof PostgresAdapterOptions];
    if (value === undefined || holds(value)) continue;
    throw invalidOption(
      option,
      value,
      `postgresAdapter cannot use the option "${option}": it must be ${expected}.`,
    );
  }
}

export function isPostgresUrl(value: unknown): value is string {
  return typeof value === "string" && /^postgres(ql)?:\/\//.test(value);
}

export function invalidOption(option: string, received: unknown, message: string): SherdError {
  return new SherdError("INVALID_OPTION", message, { option, received });
}
