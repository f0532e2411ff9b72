import type { Awaitable, Connection, Row, Session, SqlValue } from "../connection.ts";

type StoredValue = ArrayBuffer | string | number | null;

/** What is needed of a Durable Object's `ctx.storage`, told without Cloudflare's types: they need not be installed. */
export interface DurableObjectStorage {
  readonly sql: {
    exec(query: string, ...bindings: StoredValue[]): { raw(): Iterable<readonly StoredValue[]> };
  };
  transaction<T>(body: () => Promise<T>): Promise<T>;
}

/** The database of one Durable Object, which nobody else can reach. Its statements run synchronously. */
export class DurableObjectConnection implements Connection {
  readonly session: Session;
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.session = {
      local: true,
      paysByRow: true,
      query: (sql, params) => Array.from(storage.sql.exec(sql, ...params.map(toStored)).raw(), toRow),
    };
  }

  /** The platform keeps other events out until it has committed, and rolls back when `body` throws. */
  write<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    return this.#storage.transaction(async () => body(this.session));
  }

  /** Foreign keys cannot be turned off here: a migration that rebuilds a table defers them itself. */
  migrate<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    return this.write(body);
  }

  async read<T>(body: (session: Session) => Awaitable<T>): Promise<T> {
    return body(this.session);
  }

  async close(): Promise<void> {
    // The storage is the object's.
  }
}

function toStored(value: SqlValue): StoredValue {
  if (typeof value === "bigint") return toNumber(value);
  if (!(value instanceof Uint8Array)) return value;
  return value.slice().buffer as ArrayBuffer;
}

/** The storage has no integers beyond those that a number holds. */
function toNumber(value: bigint): number {
  if (BigInt.asIntN(54, value) === value) return Number(value);
  throw new RangeError(
    `Cannot store ${value}: a Durable Object has integers up to 2^53. Store it as text instead.`,
  );
}

function toRow(row: readonly StoredValue[]): Row {
  return row.some((value) => value instanceof ArrayBuffer)
    ? row.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value))
    : (row as Row);
}
