import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { isSherdError } from "@sherd/core";
import type { Session } from "./connection.ts";
import { isBusy, toSherdError } from "./errors.ts";
import type { Executor } from "./executor.ts";
import type { ChangeSource } from "./notifier.ts";

/** How long a look that met a lock waits for the next one, at first and at most. */
const firstPauseMs = 100;
const longestPauseMs = 10_000;

/** Commits that come closer together than this are looked at together. */
const coalesceMs = 5;

/**
 * Notices the commits of other connections to the same file, in this process or another, without polling: the
 * operating system tells that the write-ahead log was written to, and `PRAGMA data_version` whether that was
 * somebody else. A database in memory has no file and nobody else.
 */
export function watchFile(executor: Executor): ChangeSource {
  let watching: Watching | null = null;
  return {
    async start(onChange, onError) {
      watching?.stop();
      const current = new Watching(executor, onChange, onError);
      watching = current;
      await current.start();
    },
    stop() {
      watching?.stop();
      watching = null;
    },
  };
}

type OnChange = Parameters<ChangeSource["start"]>[0];

class Watching {
  readonly #executor: Executor;
  readonly #onChange: OnChange;
  readonly #onError: (error: unknown) => void;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;
  /** How often in a row a look met a lock; the first is reported. */
  #busyLooks = 0;
  #version = 0;
  /** Items whose cancellation was seen before: each wakes its queue once. */
  #cancelled: ReadonlySet<string> = new Set();

  constructor(executor: Executor, onChange: OnChange, onError: (error: unknown) => void) {
    this.#executor = executor;
    this.#onChange = onChange;
    this.#onError = onError;
  }

  /** Resolves after the first look, also when that met a lock. */
  start(): Promise<void> {
    return this.#attempt(async () => {
      const file = await this.#executor.inspect(async (session) => {
        const databases = await session.query("PRAGMA database_list", []);
        return String(databases.find(([, name]) => name === "main")?.[2] ?? "");
      });
      if (file === "" || this.#isStopped) return;
      this.#version = (await this.#look()).version;
      this.#timer = null;
      this.#watch(file);
      if (this.#busyLooks === 0) return;
      // Nobody knows what was committed before the look that met no lock.
      this.#onChange(null, "work");
      this.#onChange(null, "cancel");
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#watcher?.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The log comes and goes with the connections, so its directory is watched; outside WAL the file itself changes. */
  #watch(file: string): void {
    if (this.#isStopped) return;
    const name = basename(file);
    const watcher = watch(dirname(file), { persistent: false }, (_, changed) => {
      if (changed === null || changed === name || changed === `${name}-wal`) this.#schedule();
    });
    watcher.on("error", (error) => this.#giveUp(error));
    this.#watcher = watcher;
    // What was committed between the first look and now made no event.
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => void this.#attempt(() => this.#check()), coalesceMs).unref();
  }

  async #check(): Promise<void> {
    const { version, cancelled } = await this.#look();
    // Cleared only now: an event while the connection was busy is answered by this look.
    this.#timer = null;
    if (this.#isStopped || version === this.#version) return;
    this.#version = version;
    this.#onChange(null, "work");
    for (const [id, queue] of cancelled) {
      if (!this.#cancelled.has(id)) this.#onChange(queue, "cancel");
    }
    this.#cancelled = new Set(cancelled.keys());
  }

  /** A look that meets a lock is made again, less and less often: whoever has the lock may keep it for long. */
  async #attempt(look: () => Promise<void>): Promise<void> {
    try {
      await look();
      this.#busyLooks = 0;
    } catch (error) {
      if (this.#isStopped) return;
      if (!isBusy(error)) return this.#giveUp(error);
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#busyLooks, 10));
      this.#timer = setTimeout(() => void this.#attempt(look), pauseMs).unref();
      this.#busyLooks += 1;
      if (this.#busyLooks === 1) this.#onError(error);
    }
  }

  #look(): Promise<{ readonly version: number; readonly cancelled: ReadonlyMap<string, string> }> {
    return this.#executor.inspect(async (session) => {
      const [row] = await session.query("PRAGMA data_version", []);
      const version = Number(row?.[0] ?? 0);
      return { version, cancelled: version === this.#version ? new Map() : await readCancelled(session) };
    });
  }

  #giveUp(error: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.#onError(error);
  }
}

/** The items whose holder was asked to stop, with their queues. */
async function readCancelled(session: Session): Promise<ReadonlyMap<string, string>> {
  try {
    const rows = await session.query(cancelledSql, []);
    return new Map(rows.map(([id, queue]) => [String(id), String(queue)]));
  } catch (error) {
    if (isSherdError(toSherdError(error, "watch", 0), "NOT_MIGRATED")) return new Map();
    throw error;
  }
}

/** By `sherd_item_cancel`, which is all but empty. */
const cancelledSql =
  "SELECT id, queue FROM sherd_item INDEXED BY sherd_item_cancel WHERE cancel = 1 AND state <> 'done'";
