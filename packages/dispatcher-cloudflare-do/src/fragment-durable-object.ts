import { DurableObject } from "cloudflare:workers";
import { type AnyFragment, createDurableHooksProcessor, isMountedAt, migrate } from "@sherd/core";
import {
  createDurableHooksDispatcherDurableObject,
  type DispatcherOptions,
  type DurableHooksDurableObject,
} from "./dispatcher.ts";
import type { ObjectReport, ObjectStatus } from "./object-runs.ts";

/**
 * A Durable Object that holds fragments: extend it, and give each fragment to `use` as a property's initial value. It
 * migrates before the first event is delivered, runs hooks by its alarm, and serves the routes. What you override calls
 * `super`.
 */
export abstract class FragmentDurableObject<Env = Cloudflare.Env> extends DurableObject<Env> {
  /** Override to set the dispatcher's limits and to hear of its errors. */
  protected readonly dispatcherOptions: Omit<DispatcherOptions<Env>, "createProcessor"> = {};
  readonly #fragments: AnyFragment[] = [];
  #hooks: DurableHooksDurableObject = {};

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      // By the next turn the constructors of derived classes have run, too.
      await Promise.resolve();
      for (const fragment of this.#fragments) await migrate(fragment);
      const createProcessor = () => this.#fragments.map(createDurableHooksProcessor);
      const options = { ...this.dispatcherOptions, createProcessor };
      this.#hooks = createDurableHooksDispatcherDurableObject<Env>(options)(ctx, env);
    });
  }

  /** Make a fragment, which must be on this object's storage, a part of the object. Call it while the object is constructed. */
  protected use<Fragment extends AnyFragment>(fragment: Fragment): Fragment {
    this.#fragments.push(fragment);
    return fragment;
  }

  /** Serve the routes of the fragments, each under its `mountRoute`. */
  override async fetch(request: Request): Promise<Response> {
    // What is wrong with hooks is no reason to refuse a request.
    await this.#hooks.heal?.().catch((error: unknown) => {
      this.dispatcherOptions.onProcessError?.(error, { namespace: "" });
    });
    const { pathname } = new URL(request.url);
    const fragment = this.#fragments.find(
      ({ mountRoute }) => mountRoute !== null && isMountedAt(mountRoute, pathname),
    );
    if (fragment === undefined) return new Response("Not Found", { status: 404 });
    return fragment.handler(request, { waitUntil: (promise) => this.ctx.waitUntil(promise) });
  }

  /** Run what is due. */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#hooks.alarm?.(info);
  }

  /** Have `alarm` called at `at` for code of your own; null takes it back. Sherd's own alarm stays as it is. */
  protected async setAlarm(at: Date | number | null): Promise<void> {
    await this.#hooks.setAlarm?.(at);
  }

  /** Run what is due now, without waiting for the alarm. Null when the object has no hooks. */
  async drain(): Promise<ObjectReport | null> {
    return (await this.#hooks.drain?.()) ?? null;
  }

  /** See to it that the alarm is set for what waits, and tell what that is. Null when the object has no hooks. */
  async status(): Promise<ObjectStatus | null> {
    await this.#hooks.heal?.();
    return (await this.#hooks.status?.()) ?? null;
  }
}
