import { defineFragment, fixed, hook } from "@sherd/core";
import { z } from "zod";

const retry = fixed({ delayMs: 60_000, maxAttempts: 5 });
const reward = z.object({ customer: z.string(), points: z.int().positive() });

/** The company that keeps our customers' points: a system of its own, which no transaction of ours can roll back. */
export interface PointsProvider {
  credit(given: z.infer<typeof reward>, options?: { readonly idempotencyKey: string }): Promise<void>;
}

/**
 * Credits points for each purchase, naively: nothing tells the provider that a call is the second one for the same
 * purchase. All is well in every test whose workers live for ever.
 */
export const naiveLoyalty = defineFragment<PointsProvider>("loyalty")
  .withHooks(({ config: provider }) => ({
    credit: hook({ input: reward, retry, run: (given) => provider.credit(given) }),
  }))
  .withServices(() => ({
    purchase(uow, customer: string, cents: number) {
      uow.triggerHook("credit", { customer, points: Math.floor(cents / 100) });
    },
  }))
  .build();

/** The same with the one thing that was missing. */
export const loyalty = defineFragment<PointsProvider>("loyalty")
  .withHooks(({ config: provider }) => ({
    credit: hook({
      input: reward,
      retry,
      run: (given, { idempotencyKey }) => provider.credit(given, { idempotencyKey }),
    }),
  }))
  .withServices(() => ({
    purchase(uow, customer: string, cents: number) {
      uow.triggerHook("credit", { customer, points: Math.floor(cents / 100) });
    },
  }))
  .build();
