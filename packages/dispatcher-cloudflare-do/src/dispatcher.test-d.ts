import type { DurableHooksProcessor } from "@sherd/core";
import { expectTypeOf } from "vitest";
import {
  createDurableHooksDispatcherDurableObject,
  type DurableHooksDurableObject,
  FragmentDurableObject,
  type ObjectReport,
  type ObjectStatus,
} from "./index.ts";

declare const processor: DurableHooksProcessor;
declare const state: DurableObjectState;
declare const env: { readonly SECRET: string };

// The dispatcher.

const handler = createDurableHooksDispatcherDurableObject({ createProcessor: () => processor })(state, env);
expectTypeOf(handler).toEqualTypeOf<DurableHooksDurableObject>();
expectTypeOf(handler.alarm?.()).toEqualTypeOf<Promise<void> | undefined>();
expectTypeOf(handler.drain?.()).toEqualTypeOf<Promise<ObjectReport> | undefined>();
expectTypeOf(handler.fetch?.(new Request("https://object"))).toEqualTypeOf<Promise<Response> | undefined>();
void handler.notify?.({ waitUntil: (promise) => state.waitUntil(promise) });
void handler.setAlarm?.(new Date());
void handler.setAlarm?.(null);
// @ts-expect-error An object without hooks has no alarm to handle.
void handler.alarm();
// @ts-expect-error A time is no text.
void handler.setAlarm?.("tomorrow");

createDurableHooksDispatcherDurableObject({ createProcessor: () => [processor, null] });
createDurableHooksDispatcherDurableObject<typeof env>({
  createProcessor(own, { SECRET }) {
    expectTypeOf(own).toEqualTypeOf<DurableObjectState>();
    expectTypeOf(SECRET).toEqualTypeOf<string>();
    return null;
  },
  onProcessError(error, { namespace }) {
    expectTypeOf(error).toEqualTypeOf<unknown>();
    expectTypeOf(namespace).toEqualTypeOf<string>();
  },
})(state, env);
// @ts-expect-error There is nothing to process with.
createDurableHooksDispatcherDurableObject({});
// @ts-expect-error A processor is made by createDurableHooksProcessor or runSubjects.
createDurableHooksDispatcherDurableObject({ createProcessor: () => ({ namespace: "jobs" }) });
// @ts-expect-error A processor is made at once.
createDurableHooksDispatcherDurableObject({ createProcessor: async () => processor });
// @ts-expect-error An option is misspelt.
createDurableHooksDispatcherDurableObject({ createProcessor: () => processor, budget: 5 });
// @ts-expect-error The environment is another one.
createDurableHooksDispatcherDurableObject<typeof env>({ createProcessor: () => processor })(state, {});

// The class to extend.

class Tenant extends FragmentDurableObject<typeof env> {
  protected override readonly dispatcherOptions = { budgetMs: 5, onProcessError: () => {} };

  remind(at: Date): Promise<void> {
    expectTypeOf(this.env.SECRET).toEqualTypeOf<string>();
    return this.setAlarm(at);
  }

  broken(): void {
    // @ts-expect-error A fragment is what `instantiate` made.
    this.use({ namespace: "jobs" });
  }
}

declare const tenant: Tenant;
expectTypeOf(tenant.status()).toEqualTypeOf<Promise<ObjectStatus | null>>();
expectTypeOf(tenant.drain()).toEqualTypeOf<Promise<ObjectReport | null>>();
// @ts-expect-error Only the class itself sets its alarm.
void tenant.setAlarm(null);
// @ts-expect-error Fragments are a part from the beginning on.
tenant.use(processor);
