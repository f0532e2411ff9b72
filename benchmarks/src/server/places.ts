import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Beside } from "../measurement/measurement.ts";
import type { Place } from "../measurement/place.ts";
import type { Backend } from "../system.ts";
import type { SystemName } from "../systems.ts";
import type { BenchmarkPostgres, StatementCount } from "./postgres.ts";
import { redisVersion, startRedis } from "./redis.ts";

export interface PlaceOptions {
  readonly counts: StatementCount;
  /** A copy of the database that `age` has left; absent: an empty one. */
  readonly aged?: {
    readonly system: SystemName;
    readonly beside: Beside;
    age(place: Place): Promise<unknown>;
  };
}

/** Fresh databases, one for each measurement, and gone after it. */
export class Places {
  readonly #postgres: BenchmarkPostgres;
  readonly #redisVersion = redisVersion();
  readonly #aged = new Map<string, string>();
  #count = 0;

  constructor(postgres: BenchmarkPostgres) {
    this.#postgres = postgres;
  }

  /** Why a backend is not there; null when it is. */
  missing(backend: Backend): string | null {
    return backend === "redis" && this.#redisVersion === null ? "redis-server is not installed" : null;
  }

  async with<T>(backend: Backend, options: PlaceOptions, use: (place: Place) => Promise<T>): Promise<T> {
    if (backend === "postgres") return this.#withPostgres(options, use);
    if (backend === "sqlite") return withFile(use);
    const server = await startRedis();
    try {
      return await use({ url: server.url, adminUrl: null });
    } finally {
      await server.stop();
    }
  }

  async #withPostgres<T>({ aged, counts }: PlaceOptions, use: (place: Place) => Promise<T>): Promise<T> {
    const template = aged === undefined ? {} : { template: await this.#agedDatabase(aged) };
    const database = this.#nextName();
    await this.#postgres.create(database, { ...template, counts });
    try {
      return await use(this.#placeOf(database));
    } finally {
      await this.#postgres.drop(database);
    }
  }

  async #agedDatabase({ system, beside, age }: NonNullable<PlaceOptions["aged"]>): Promise<string> {
    const key = JSON.stringify([system, beside]);
    const known = this.#aged.get(key);
    if (known !== undefined) return known;
    const database = this.#nextName();
    await this.#postgres.create(database, { counts: "none" });
    await age(this.#placeOf(database));
    this.#aged.set(key, database);
    return database;
  }

  #placeOf(database: string): Place {
    return { url: this.#postgres.urlOf(database), adminUrl: this.#postgres.adminUrl };
  }

  #nextName(): string {
    this.#count += 1;
    return `bench_${this.#count}`;
  }
}

async function withFile<T>(use: (place: Place) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "sherd-sqlite-"));
  try {
    return await use({ url: join(directory, "bench.db"), adminUrl: null });
  } finally {
    await rm(directory, { recursive: true });
  }
}
