import type { Nesting } from "./nesting.ts";

/** What is needed of `node:async_hooks`. It is not imported: a Worker has it only if it asks for it. */
export type AsyncHooks = Pick<typeof import("node:async_hooks"), "AsyncLocalStorage" | "AsyncResource">;

/** Told by the async context. A context that outlives its transaction is outside again: the mark says so. */
function asyncNesting({ AsyncLocalStorage, AsyncResource }: AsyncHooks): Nesting {
  const context = new AsyncLocalStorage<{ isOpen: boolean }>();
  return {
    isTold: true,
    async inside(body) {
      const mark = { isOpen: true };
      try {
        return await context.run(mark, body);
      } finally {
        mark.isOpen = false;
      }
    },
    isInside: () => context.getStore()?.isOpen === true,
    detach: (callback) => AsyncResource.bind(callback),
  };
}

const nestings = new WeakMap<object, Nesting>();

/** The one nesting of a database object: of two adapters that share it, either may hold what the other waits for. */
export function nestingOf(database: object, hooks: AsyncHooks): Nesting {
  let nesting = nestings.get(database);
  if (nesting === undefined) nestings.set(database, (nesting = asyncNesting(hooks)));
  return nesting;
}
