/** The one file that knows drizzle's insides: which driver is under a database or a transaction. */
import { SherdError, type Database } from "@sherd/core";
import { entityKind } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { drizzle, PostgresJsSession, PostgresJsTransaction } from "drizzle-orm/postgres-js";
import postgres, { type Options, type Sql } from "postgres";
import { PostgresTransaction } from "./postgres-transaction.ts";
import { transactOnEmitter, transactOnPostgresJs } from "./sessions/cut-transaction.ts";
import { drizzleSession } from "./sessions/drizzle.ts";
import type { LazyClient } from "./sessions/lazy-client.ts";
import { postgresJsSession } from "./sessions/postgres-js.ts";
import type { Session } from "./sessions/session.ts";

/** Any drizzle database over PostgreSQL, whatever its driver and its schema. */
// oxlint-disable-next-line typescript/no-explicit-any -- the schema's type parameters are invariant in drizzle.
export type PostgresDatabase = PgDatabase<PgQueryResultHKT, any, any>;

export interface ConnectionOptions {
  readonly max: number;
  readonly prepare: boolean;
  readonly applicationName: string;
}

export interface Connection {
  /** Where the kernel's own verbs are sent: apart from users' transactions, which may occupy the whole pool, where the driver allows it. */
  readonly kernel: Session;
  /** Where users' transactions run, for a statement that is all of one. */
  readonly pool: Session;
  /** Drizzle over a client that begins the transaction at its first statement; null where drizzle needs a begun one. */
  readonly lazyDatabase: ((client: LazyClient) => Database) | null;
  transaction<T>(run: (tx: PostgresTransaction) => Promise<T>): Promise<T>;
  join(drizzleTransaction: object): PostgresTransaction;
  /** True when there is one connection in all, so that nothing else is answered while a transaction is open. */
  readonly isSingle: boolean;
  /** A client of its own that LISTEN may occupy, to the same database; null where the driver cannot tell it. */
  readonly listener: (() => Sql) | null;
  close(): Promise<void>;
}

/** The kernel's verbs are short, and few at a time: a claim, a settle, and what a dispatcher or an operator asks. */
const kernelConnections = 3;

/** Lets a process end whose owner ended their own client and forgot the adapter. */
const kernelIdleSeconds = 10;

/** What still runs when the adapter is closed may end within it. */
const closeWithinSeconds = 5;

/** Opens nothing: postgres.js connects at its first statement. */
export function openConnection(given: string | PostgresDatabase, options: ConnectionOptions): Connection {
  if (typeof given !== "string") return describe(given, options, async () => {});
  const client = postgres(given, {
    max: options.max,
    prepare: options.prepare,
    onnotice: () => {},
    connection: { application_name: options.applicationName },
  });
  // Bounded: a connection that was cut inside of a transaction never counts as free again, and would be waited for.
  return describe(drizzle(client), options, () => client.end({ timeout: closeWithinSeconds }));
}

/** A client of the adapter's own to the same database. It connects at its first statement. */
function kernelClient(options: Sql["options"]): Sql {
  const idle = options.idle_timeout ?? kernelIdleSeconds;
  return clientLike(options, { max: kernelConnections, idle_timeout: idle, fetch_types: false });
}

/** A client for LISTEN alone. It never gives up: postgres.js connects anew, and listens again, by itself. */
export function listenClient(target: string | Sql["options"]): Sql {
  const options = { max: 1, idle_timeout: 0, fetch_types: false, connect_timeout: 10, onnotice: () => {} };
  if (typeof target === "string") return postgres(target, options);
  return clientLike(target, options);
}

function clientLike(given: Sql["options"], options: Options<Record<string, never>>): Sql {
  // postgres.js takes its own parsed options as they stand when they carry `shared`, its count of retries.
  return postgres({ ...given, ...options, shared: { retries: 0, typeArrayMap: {} } } as unknown as string);
}

function describe(db: PostgresDatabase, options: ConnectionOptions, close: () => Promise<void>): Connection {
  const join = (inner: PostgresDatabase) =>
    new PostgresTransaction({
      session: sessionOf(inner, options.prepare),
      makeDb: () => inner as unknown as Database,
      defer: null,
      client: postgresJsClient(inner),
    });
  const client = postgresJsClient(db);
  const own = client === null || isSingle(db) ? null : kernelClient(client.options);
  return {
    kernel: own === null ? sessionOf(db, options.prepare) : postgresJsSession(own, options.prepare),
    pool: sessionOf(db, options.prepare),
    lazyDatabase: client === null ? null : (lazy) => databaseOver(db, lazy),
    transaction: (run) =>
      client === null
        ? db.transaction((inner) => transactOnEmitter(driverOf(inner).client, () => run(join(inner))))
        : transactOnPostgresJs(
            (body) => db.transaction((inner: PostgresDatabase) => body(inner)),
            postgresJsClient,
            (inner: PostgresDatabase) => run(join(inner)),
          ),
    join(drizzleTransaction) {
      if (isPostgresDatabase(drizzleTransaction) && "rollback" in drizzleTransaction)
        return join(drizzleTransaction);
      throw new SherdError(
        "INVALID_OPTION",
        "Cannot join the given transaction: it is not a drizzle transaction on PostgreSQL. Pass the `tx` that " +
          "`db.transaction(async (tx) => …)` hands out.",
        { option: "transaction", received: drizzleTransaction },
      );
    },
    isSingle: isSingle(db),
    listener: client === null ? null : () => listenClient(client.options),
    async close() {
      await Promise.all([own?.end({ timeout: closeWithinSeconds }), close()]);
    },
  };
}

export function isPostgresDatabase(value: unknown): value is PostgresDatabase {
  const db = value as Partial<PostgresDatabase> | null;
  return (
    typeof db === "object" &&
    db !== null &&
    typeof db.execute === "function" &&
    typeof db.transaction === "function"
  );
}

function sessionOf(db: PostgresDatabase, prepare: boolean): Session {
  const client = postgresJsClient(db);
  return client === null ? drizzleSession(db) : postgresJsSession(client, prepare);
}

/** The same database, with its schema, casing and logger, over another client. */
function databaseOver(db: PostgresDatabase, client: LazyClient): Database {
  const { dialect, session } = db as unknown as {
    readonly dialect: object;
    readonly session: { readonly schema: unknown; readonly options: object };
  };
  const over = new PostgresJsSession(
    client as never,
    dialect as never,
    session.schema as never,
    session.options,
  );
  return new PostgresJsTransaction(
    dialect as never,
    over as never,
    session.schema as never,
  ) as unknown as Database;
}

/** The postgres.js client, or inside a transaction the one bound to it; null for every other driver. */
function postgresJsClient(db: PostgresDatabase): Sql | null {
  const { kind, client } = driverOf(db);
  return kind === "PostgresJsSession" ? (client as unknown as Sql) : null;
}

function isSingle(db: PostgresDatabase): boolean {
  const { kind, client } = driverOf(db);
  return kind === "PgliteSession" || client.options?.max === 1;
}

/** Drivers with a client for one connection, on which drizzle lets other statements slip into an open transaction. */
const pooledDrivers: ReadonlySet<unknown> = new Set(["NodePgSession", "NeonSession", "VercelPgSession"]);

/** True for a `pg.Client` where there should be a `pg.Pool`. */
export function isUnpooled(db: PostgresDatabase): boolean {
  const { kind, client } = driverOf(db);
  return pooledDrivers.has(kind) && !("totalCount" in client);
}

interface Driver {
  readonly kind: unknown;
  readonly client: { readonly options?: { readonly max?: number } };
}

function driverOf(db: PostgresDatabase): Driver {
  // The session is drizzle's own: it is not in the types, and a database made of replicas has none.
  const { _: { session } = {} } = db as {
    readonly _?: { readonly session?: { readonly client?: Driver["client"] } };
  };
  return { kind: session && Reflect.get(session.constructor, entityKind), client: session?.client ?? {} };
}
