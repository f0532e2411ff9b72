import type { DatabaseAdapter, Storage } from "@sherd/core";

/**
 * The same adapter for workers that die at the worst moment: the first attempt of every hook runs to its end and is then
 * lost, before that is stored. When its lease has expired the hook runs again: what is not idempotent happens twice.
 * What commits in `ctx.transaction` is stored with what it did, and is not lost.
 */
export function loseFirstAttempts(adapter: DatabaseAdapter): DatabaseAdapter {
  const lost = new Set<string>();
  const { storage } = adapter;
  const settle: Storage["settle"] = async (queue, outcomes, tx) => {
    const isStored = tx !== undefined || outcomes.every(({ id }) => lost.has(id));
    if (isStored) return storage.settle(queue, outcomes, tx);
    // A batch that is refused comes again one by one.
    const [only] = outcomes;
    if (outcomes.length === 1 && only !== undefined) lost.add(only.id);
    throw new Error("loseFirstAttempts: the worker died before the end of this attempt was stored.");
  };
  return overriding(adapter, { storage: overriding(storage, { settle }) });
}

/** The target with some members of its own; the others see the target as `this`, which may have private fields. */
function overriding<Target extends object>(target: Target, members: Partial<Target>): Target {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name) as unknown;
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
