import {
  exponential,
  requireInteger,
  requireKnown,
  requirePolicy,
  type RetryPolicy,
  type StandardSchemaV1,
} from "@sherd/core";

export interface PoolOptions<Cursor, Meta> {
  /** Checks each cursor before it is written, as JSON holds it; null is always fine. Any Standard Schema. */
  readonly cursor?: StandardSchemaV1<Cursor, unknown>;
  /** The same for meta. */
  readonly meta?: StandardSchemaV1<Meta, unknown>;
  /**
   * When a failed subject is due again if the failure does not say; what answers null parks it. Its `maxAttempts` does not
   * count. Default: 30 s, doubled up to an hour, ±10 %.
   */
  readonly retry?: RetryPolicy;
  /** The largest cursor, in bytes of UTF-8 as JSON. Default: 65,536. */
  readonly maxCursorBytes?: number;
  /** The same for meta. */
  readonly maxMetaBytes?: number;
}

/** What is alike for all subjects of one dispatcher id. */
export interface Pool<Cursor = unknown, Meta = unknown> {
  readonly cursor: StandardSchemaV1 | null;
  readonly meta: StandardSchemaV1 | null;
  readonly retry: RetryPolicy;
  readonly maxCursorBytes: number;
  readonly maxMetaBytes: number;
  /** For the compiler alone. */
  readonly types?: { readonly cursor: Cursor; readonly meta: Meta };
}

/** Pools by their dispatcher id. */
export type Pools = Readonly<Record<string, Pool>>;

export type PoolId<P extends Pools> = Extract<keyof P, string>;
export type CursorOf<P extends Pools, Id extends keyof P> = P[Id] extends Pool<infer Cursor> ? Cursor : never;
export type MetaOf<P extends Pools, Id extends keyof P> =
  P[Id] extends Pool<unknown, infer Meta> ? Meta : never;

const names = [
  "cursor",
  "meta",
  "retry",
  "maxCursorBytes",
  "maxMetaBytes",
] as const satisfies readonly (keyof PoolOptions<unknown, unknown>)[];

/** What a Durable Object takes in a row, less what else is in it. */
const largestBytes = 900_000;

/**
 * Define the pool of a dispatcher id: what its cursors and meta are, by type or by schema, and when what failed is tried
 * again. Fails with `INVALID_OPTION`.
 */
export function pool<Cursor = unknown, Meta = unknown>(
  options: PoolOptions<Cursor, Meta> = {},
): Pool<Cursor, Meta> {
  requireKnown("pool", options, names);
  const bytes = (name: "maxCursorBytes" | "maxMetaBytes") =>
    requireInteger(`pool.${name}`, options[name] ?? 65_536, 2, largestBytes);
  return {
    cursor: (options.cursor as StandardSchemaV1 | undefined) ?? null,
    meta: (options.meta as StandardSchemaV1 | undefined) ?? null,
    retry: requirePolicy("pool.retry", options.retry ?? defaultRetry),
    maxCursorBytes: bytes("maxCursorBytes"),
    maxMetaBytes: bytes("maxMetaBytes"),
  };
}

const defaultRetry = exponential({ initialDelayMs: 30_000, maxDelayMs: 3_600_000, jitter: 0.1 });
