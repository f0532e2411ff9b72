import { AsyncLocalStorage } from "node:async_hooks";
import type { AnyFragment } from "@sherd/core";
import { drainHooks, type DrainOptions } from "./drain-hooks.ts";

/** True inside a drain: what its handlers call need not wait for hooks that the same drain runs next. */
const draining = new AsyncLocalStorage<true>();

type Calls = Record<string, (...args: never[]) => Promise<unknown>>;

/**
 * From now on, have hooks run before the call that triggered them resolves: its transaction commits, `drainHooks` runs what
 * is due with these options, then the caller goes on. Calls are services, `transaction` and `handler` of these fragments;
 * not `within`, whose commit is the caller's. Answers what ends it, also by `using`.
 */
export function inlineHooks<F extends AnyFragment>(
  fragments: F | readonly F[],
  options: DrainOptions = {},
): Disposable {
  const all: readonly AnyFragment[] = ([] as AnyFragment[]).concat(fragments);
  let turn: Promise<unknown> = Promise.resolve();
  const drain = async () => {
    if (draining.getStore() === true) return;
    // In turns: what a call waits for is also what another call's drain has taken up.
    const drained = turn.then(() => draining.run(true, () => drainHooks(all, options)));
    turn = drained.catch(() => undefined);
    await drained;
  };
  const restores = all.flatMap((fragment) => [
    ...Object.keys(fragment.services).map((name) => drainAfter(fragment.services as Calls, name, drain)),
    drainAfter(fragment as unknown as Calls, "transaction", drain),
    drainAfter(fragment as unknown as Calls, "handler", drain),
  ]);
  return { [Symbol.dispose]: () => restores.forEach((restore) => restore()) };
}

/** In place, because routes and `uow.use` know these objects. */
function drainAfter(owner: Calls, name: string, drain: () => Promise<void>): () => void {
  const call = owner[name];
  if (call === undefined) return () => {};
  owner[name] = async (...args) => {
    const answer = await call(...args);
    await drain();
    return answer;
  };
  return () => {
    owner[name] = call;
  };
}
