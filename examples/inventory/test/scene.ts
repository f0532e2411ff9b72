import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiServer } from "../src/api/server.ts";
import { audit } from "../src/audit.ts";
import { openInventory } from "../src/inventory.ts";
import { dispatcherId, openWarehouses } from "../src/schedule.ts";
import { readSettings } from "../src/settings.ts";
import { SyncProcess } from "./sync-process.ts";

/** An API, an empty database in a file, and the processes that read the one into the other. */
export class Scene implements AsyncDisposable {
  readonly api = new ApiServer();
  #directory = "";
  #env: NodeJS.ProcessEnv = {};

  async open(): Promise<this> {
    this.#directory = await mkdtemp(join(tmpdir(), "inventory-"));
    this.#env = {
      INVENTORY_API: await this.api.listen(),
      SQLITE_FILE: join(this.#directory, "inventory.db"),
      API_TIMEOUT_MS: "500",
      RETRY_MS: "200",
      LONGEST_RETRY_MS: "500",
      LEASE_MS: "1000",
    };
    return this;
  }

  start(env: NodeJS.ProcessEnv = {}): SyncProcess {
    return new SyncProcess({ ...this.#env, ...env });
  }

  /** Resolves as soon as the API has so many requests of this process, those under way among them. */
  async requests(count: number, { ended }: SyncProcess): Promise<void> {
    const isOver = ended.then((how) => {
      throw new Error(`The process ended with ${how} before it had made ${count} requests.`);
    });
    while (this.api.log.length < count) await Promise.race([once(this.api, "request"), isOver]);
  }

  /** What the database holds and the API was asked for, by now. */
  async inspect() {
    const inventory = openInventory(this.#env["SQLITE_FILE"] ?? "");
    const subjects = openWarehouses(inventory, readSettings(this.#env), {});
    const found = await audit(inventory, subjects, this.api.log);
    const known = await subjects.listSubjects({ dispatcherId, limit: 1_000 });
    await inventory.databaseAdapter.close();
    return {
      ...found,
      held: known.subjects.filter(({ leaseOwner }) => leaseOwner !== null).length,
      done: new Map(found.warehouses.map(({ id, done }) => [id, done])),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.api.close();
    await rm(this.#directory, { recursive: true });
  }
}
