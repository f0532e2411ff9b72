import type { DatabaseAdapter } from "@sherd/core";
import type { Connection } from "./connection.ts";
import type { Executor } from "./executor.ts";
import { asSherdError } from "./failure.ts";
import type { Nesting } from "./nesting.ts";

/** Drizzle's own transaction, observed. What `run` throws comes out as it is, what BEGIN and COMMIT throw as Sherd's. */
export function createTransaction(
  executor: Executor,
  connection: Connection,
  nesting: Nesting | null,
): DatabaseAdapter["transaction"] {
  const verb = "transaction";
  return async (run) => {
    nesting?.refuse(verb);
    let thrown: { readonly error: unknown } | undefined;
    await executor.observe(verb, "begin", "before");
    const result = await connection
      .transaction(async (tx) => {
        try {
          await executor.observe(verb, "begin", "after");
          const value = await (nesting === null ? run(tx) : nesting.inside(() => run(tx)));
          await executor.observe(verb, "commit", "before");
          return value;
        } catch (error) {
          thrown = { error };
          throw error;
        }
      })
      .catch((error: unknown) => {
        throw error === thrown?.error ? error : asSherdError(error, verb);
      });
    await executor.observe(verb, "commit", "after");
    return result;
  };
}
