import type { ItemStatus } from "@sherd/core";

/** One row that a transaction wrote together with the hook that it triggered. */
export interface CommittedTrigger {
  readonly hook: string;
  /** What the hook was told to write. */
  readonly note: string;
  /** True when the hook writes its effect in `ctx.transaction`: then there is one, never two. */
  readonly isExactlyOnce: boolean;
  /** True when somebody prunes it, so that it may be gone once it has ended. */
  readonly mayBePruned: boolean;
}

/** A hook as the database has it. A `HookView` is one. */
export interface FoundHook {
  readonly id: string;
  readonly status: ItemStatus;
  readonly attempts: number;
  readonly failures: number;
  readonly lost: number;
  readonly maxAttempts: number;
}

/** What is left when every process has died, others have taken over, and nothing is due any more. */
export interface History {
  /** The hooks whose trigger the caller was told of as committed. */
  readonly promised: readonly string[];
  readonly committed: readonly CommittedTrigger[];
  readonly hooks: readonly FoundHook[];
  /** One for each row that a handler wrote. */
  readonly effects: readonly { readonly hook: string; readonly note: string }[];
  /** How many leases are left. */
  readonly leases: number;
  readonly maxLost: number;
}

/** Each invariant by its name, with what breaks it. */
const invariants: Readonly<Record<string, (history: History) => readonly string[]>> = {
  "what a caller was told stands": ({ promised, committed }) =>
    without(promised, new Set(committed.map(({ hook }) => hook))),
  "nothing committed is lost": ({ committed, hooks }) =>
    without(
      committed.filter(({ mayBePruned }) => !mayBePruned).map(({ hook }) => hook),
      idsOf(hooks),
    ),
  "nothing rolled back runs": ({ committed, hooks, effects }) =>
    without(
      [...idsOf(hooks), ...effects.map(({ hook }) => hook)],
      new Set(committed.map(({ hook }) => hook)),
    ),
  "what ctx.transaction writes is there exactly once": (history) =>
    miscounted(history, true, (count, isCompleted) => count === (isCompleted ? 1 : 0)),
  "what completed took effect": (history) =>
    miscounted(history, false, (count, isCompleted) => count > 0 || !isCompleted),
  "an effect is that of the payload that was committed last": ({ committed, effects }) => {
    const notes = new Map(committed.map(({ hook, note }) => [hook, note]));
    return effects
      .filter(({ hook, note }) => notes.has(hook) && notes.get(hook) !== note)
      .map(({ hook }) => hook);
  },
  "attempts never exceed the maximum": ({ hooks, maxLost }) =>
    hooks
      .filter(({ failures, lost, maxAttempts }) => failures + lost > maxAttempts || lost > maxLost)
      .map(({ id }) => id),
  "every attempt is counted": ({ hooks }) =>
    hooks
      .filter(
        ({ status, attempts, failures, lost }) =>
          attempts < failures + lost + (status === "completed" ? 1 : 0),
      )
      .map(({ id }) => id),
  "everything ends": ({ hooks }) =>
    hooks.filter(({ status }) => status === "pending" || status === "processing").map(({ id }) => id),
  "no lease is left": ({ leases }) => (leases === 0 ? [] : [`${leases} leases`]),
};

export const invariantNames = Object.keys(invariants);

/** Decide whether `history` keeps every promise. Answers one line for each invariant that is broken, and by what. */
export function checkHistory(history: History): readonly string[] {
  return Object.entries(invariants).flatMap(([name, offenders]) => {
    const found = [...new Set(offenders(history))];
    return found.length === 0 ? [] : [`${name}: broken by ${found.join(", ")}`];
  });
}

function miscounted(
  { committed, hooks, effects }: History,
  isExactlyOnce: boolean,
  isRight: (count: number, isCompleted: boolean) => boolean,
): readonly string[] {
  const completed = new Set(hooks.filter(({ status }) => status === "completed").map(({ id }) => id));
  const counts = new Map<string, number>();
  for (const { hook } of effects) counts.set(hook, (counts.get(hook) ?? 0) + 1);
  return committed
    .filter((trigger) => trigger.isExactlyOnce === isExactlyOnce && !trigger.mayBePruned)
    .filter(({ hook }) => !isRight(counts.get(hook) ?? 0, completed.has(hook)))
    .map(({ hook }) => hook);
}

function idsOf(hooks: readonly FoundHook[]): ReadonlySet<string> {
  return new Set(hooks.map(({ id }) => id));
}

function without(ids: readonly string[], known: ReadonlySet<string>): readonly string[] {
  return ids.filter((id) => !known.has(id));
}
