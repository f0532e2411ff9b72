import type { Sql, TransactionSql } from "postgres";

type Query = Promise<unknown> & { values(): Promise<unknown> };

/** The part of a postgres.js client through which drizzle sends its statements. */
export interface LazyClient {
  unsafe(text: string, parameters: never[], options: object): PromiseLike<unknown>;
  savepoint(body: (client: Sql) => unknown): Promise<unknown>;
}

/** A client whose statements wait until the transaction, which the first of them begins, is there. */
export function lazyClient(begun: () => Promise<Sql>): LazyClient {
  return {
    unsafe(text, parameters, options) {
      const run = async (finish: (query: Query) => Promise<unknown>) => {
        const client = await begun();
        return finish(client.unsafe(text, parameters, options) as unknown as Query);
      };
      return {
        // Like postgres.js, nothing is sent before somebody waits.
        // oxlint-disable-next-line unicorn/no-thenable -- it stands for a query of postgres.js, which is one.
        then: (onFulfilled, onRejected) => run((query) => query).then(onFulfilled, onRejected),
        values: () => run((query) => query.values()),
      } as PromiseLike<unknown> & Pick<Query, "values">;
    },
    savepoint: async (body) => {
      const client = (await begun()) as unknown as TransactionSql;
      return client.savepoint(body as never);
    },
  };
}
