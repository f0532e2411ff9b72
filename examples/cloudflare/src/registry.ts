import { DurableObject } from "cloudflare:workers";

/** A tenant whose work is overdue, as far as the registry knows. */
export type Expected = {
  readonly tenant: string;
  /** Another one each time that something is expected. */
  readonly version: string;
};

/** What the sweep learned of a tenant. */
export interface Asked extends Expected {
  /** When to ask again, in milliseconds since the epoch; null when nothing waits there. */
  readonly dueAt: number | null;
}

/** Knows of every tenant that may have work, and since when. A hint too many costs one question; none is ever missing. */
export class Registry extends DurableObject {
  readonly #sql = this.ctx.storage.sql;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS expected (tenant TEXT PRIMARY KEY, version TEXT NOT NULL, due_at INTEGER NOT NULL);
      CREATE INDEX IF NOT EXISTS expected_due ON expected (due_at)`);
  }

  /** Note that the tenant will have work at `dueAt`. Call it before anything is sent there. */
  expect(tenant: string, dueAt: number): void {
    const text = `INSERT INTO expected VALUES (?, ?, ?) ON CONFLICT (tenant)
      DO UPDATE SET version = excluded.version, due_at = MIN(due_at, excluded.due_at)`;
    this.#sql.exec(text, tenant, crypto.randomUUID(), dueAt);
  }

  /** Answer up to `limit` tenants that were expected to have worked by `before`, the longest overdue first. */
  overdue(before: number, limit: number): Expected[] {
    const text = "SELECT tenant, version FROM expected WHERE due_at < ? ORDER BY due_at LIMIT ?";
    return this.#sql.exec<Expected>(text, before, limit).toArray();
  }

  /** Take down what tenants answered, but for those of which something was expected after they had been asked. */
  note(answers: readonly Asked[]): void {
    for (const { tenant, version, dueAt } of answers) {
      if (dueAt === null)
        this.#sql.exec("DELETE FROM expected WHERE tenant = ? AND version = ?", tenant, version);
      else {
        const text = "UPDATE expected SET due_at = ? WHERE tenant = ? AND version = ?";
        this.#sql.exec(text, dueAt, tenant, version);
      }
    }
  }
}
