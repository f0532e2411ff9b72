import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import type { Nesting } from "./nesting.ts";

/** Told by the async context. A context that outlives its transaction is outside again: the mark says so. */
function asyncNesting(): Nesting {
  const context = new AsyncLocalStorage<{ isOpen: boolean }>();
  return {
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
export function nestingOf(database: object): Nesting {
  let nesting = nestings.get(database);
  if (nesting === undefined) nestings.set(database, (nesting = asyncNesting()));
  return nesting;
}
