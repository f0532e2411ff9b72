import type { AnyFragment, HookView } from "@sherd/core";
import { everyHook } from "./every-hook.ts";

/** The names of hooks, each as often as there were such hooks, in the order in which they were triggered. */
export interface DrainedHooks<Name extends string = string> {
  readonly completed: readonly Name[];
  /** Those that will not be tried again. */
  readonly failed: readonly Name[];
  /** Those that are left: due later, waiting for another attempt, or for a process that knows them. */
  readonly pending: readonly Name[];
}

const ends = ["completed", "failed"] as const;

/** What becomes of hooks from a moment on. */
export class Drained {
  readonly #fragments: readonly AnyFragment[];
  /** How many attempts each hook had made before. */
  readonly #before: ReadonlyMap<string, number>;
  /** Noted as they end: what ended long ago may be pruned before the drain is over. */
  readonly #ended = new Map<string, HookView>();

  private constructor(fragments: readonly AnyFragment[], before: readonly HookView[]) {
    this.#fragments = fragments;
    this.#before = new Map(before.map(({ id, attempts }) => [id, attempts]));
  }

  static async begin(fragments: readonly AnyFragment[]): Promise<Drained> {
    const hooks = await Promise.all(fragments.map((fragment) => everyHook(fragment)));
    return new Drained(fragments, hooks.flat());
  }

  async note(): Promise<void> {
    for (const hook of await this.#list(ends)) {
      if (this.#isChanged(hook)) this.#ended.set(hook.id, hook);
    }
  }

  /** Those whose attempts failed since then, and that have not completed. */
  async failed(): Promise<readonly HookView[]> {
    const pending = await this.#list(["pending"]);
    const retrying = pending.filter((hook) => hook.failures > 0 && this.#isChanged(hook));
    return [...this.#ended.values()].filter(({ status }) => status === "failed").concat(retrying);
  }

  async summary(): Promise<DrainedHooks> {
    await this.note();
    const ended = [...this.#ended.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const pending = await this.#list(["pending", "processing"]);
    return {
      completed: namesOf(ended.filter(({ status }) => status === "completed")),
      failed: namesOf(ended.filter(({ status }) => status === "failed")),
      pending: namesOf(pending),
    };
  }

  async #list(statuses: Parameters<typeof everyHook>[1]): Promise<readonly HookView[]> {
    const hooks = await Promise.all(this.#fragments.map((fragment) => everyHook(fragment, statuses)));
    return hooks.flat();
  }

  #isChanged({ id, attempts }: HookView): boolean {
    return attempts !== (this.#before.get(id) ?? 0);
  }
}

function namesOf(hooks: readonly HookView[]): readonly string[] {
  return hooks.map(({ name }) => name);
}
