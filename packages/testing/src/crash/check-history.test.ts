import { describe, expect, it } from "vitest";
import {
  checkHistory,
  type CommittedTrigger,
  type FoundHook,
  type History,
  invariantNames,
} from "./check-history.ts";

const trigger = (hook: string, given: Partial<CommittedTrigger> = {}): CommittedTrigger => ({
  hook,
  note: "as ordered",
  isExactlyOnce: true,
  mayBePruned: false,
  ...given,
});
const found = (id: string, given: Partial<FoundHook> = {}): FoundHook => ({
  id,
  status: "completed",
  attempts: 1,
  failures: 0,
  lost: 0,
  maxAttempts: 3,
  ...given,
});
const effect = (hook: string, note = "as ordered") => ({ hook, note });

const whole: History = {
  promised: ["once"],
  committed: [
    trigger("once"),
    trigger("repeated", { isExactlyOnce: false }),
    trigger("failed"),
    trigger("pruned", { mayBePruned: true }),
  ],
  hooks: [
    found("once", { attempts: 2, lost: 1 }),
    found("repeated"),
    found("failed", { status: "failed", attempts: 3, failures: 3 }),
  ],
  effects: [effect("once"), effect("repeated"), effect("repeated")],
  leases: 0,
  maxLost: 3,
};

const broken: Readonly<Record<string, Partial<History>>> = {
  "what a caller was told stands": { promised: ["once", "forgotten"] },
  "nothing committed is lost": {
    committed: [...whole.committed, trigger("vanished", { isExactlyOnce: false })],
  },
  "nothing rolled back runs": { hooks: [...whole.hooks, found("ghost")] },
  "what ctx.transaction writes is there exactly once": { effects: [...whole.effects, effect("once")] },
  "what completed took effect": { effects: [effect("once")] },
  "an effect is that of the payload that was committed last": {
    effects: [effect("once"), effect("repeated", "as ordered before")],
  },
  "attempts never exceed the maximum": {
    hooks: [found("once", { attempts: 5, failures: 1, lost: 3 }), ...whole.hooks.slice(1)],
  },
  "every attempt is counted": { hooks: [found("once", { lost: 1 }), ...whole.hooks.slice(1)] },
  "everything ends": {
    hooks: [...whole.hooks.slice(0, 2), found("failed", { status: "processing" })],
  },
  "no lease is left": { leases: 1 },
};

describe("checkHistory", () => {
  it("finds nothing where every promise was kept", () => {
    expect(checkHistory(whole)).toEqual([]);
  });

  it("knows of no invariant that is not broken below", () => {
    expect(Object.keys(broken)).toEqual(invariantNames);
  });

  it.each(Object.entries(broken))("names the invariant when it is broken: %s", (name, change) => {
    const violations = checkHistory({ ...whole, ...change });
    expect(violations).toEqual([expect.stringContaining(`${name}: broken by `)]);
  });

  it("finds an effect of a failed hook, and an effect without a hook", () => {
    expect(checkHistory({ ...whole, effects: [...whole.effects, effect("failed")] })).toHaveLength(1);
    expect(checkHistory({ ...whole, effects: [...whole.effects, effect("ghost")] })).toHaveLength(1);
    expect(checkHistory({ ...whole, effects: whole.effects.slice(1) })).toHaveLength(1);
  });

  it("blames a hook that was lost more often than it may be", () => {
    const hooks = [found("once", { attempts: 5, lost: 4, maxAttempts: 10 }), ...whole.hooks.slice(1)];
    expect(checkHistory({ ...whole, hooks })).toEqual(["attempts never exceed the maximum: broken by once"]);
  });
});
