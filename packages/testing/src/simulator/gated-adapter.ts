import {
  type ClaimRequest,
  type DatabaseAdapter,
  type Notifier,
  type PullStorage,
  SherdError,
  type Storage,
  type WakeReason,
} from "@sherd/core";
import type { Process } from "./process.ts";
import type { Scope } from "./ledger.ts";
import type { World } from "./world.ts";

type Verb = (...args: never[]) => Promise<unknown>;

/**
 * An adapter whose every call waits for its process's turn, before it and again before it is answered, so that any
 * other process's calls may come in between.
 */
export function gatedAdapter(real: DatabaseAdapter, process: Process, world: World): DatabaseAdapter {
  return {
    ...real,
    storage: gatedVerbs(real.storage, process, world),
    pull: gatedVerbs(real.pull, process, world),
    notifier: simulatedNotifier(process, world),
    async transaction(run) {
      await process.turn("transaction");
      let scope: Scope | null = null;
      try {
        const answer = await real.transaction((tx) => {
          scope = world.ledger.entered(tx);
          return run(tx);
        });
        await process.turn("transaction is answered");
        return answer;
      } finally {
        if (scope !== null) world.ledger.ended(scope);
      }
    },
  };
}

function gatedVerbs<T extends Storage | PullStorage>(real: T, process: Process, world: World): T {
  const verbs = Object.entries(real).map(([name, verb]: [string, Verb]) => {
    const gated = async (...args: never[]) => {
      if (world.isDatabaseAway) throw away(name);
      await process.turn(name);
      if (name === "claim") process.claims(args[0] as unknown as ClaimRequest);
      const answer = await verb(...args);
      world.ledger.answered(name, args, answer);
      await process.turn(`${name} is answered`);
      return answer;
    };
    return [name, gated] as const;
  });
  return Object.fromEntries(verbs) as unknown as T;
}

function away(verb: string): SherdError {
  return new SherdError("DATABASE_UNAVAILABLE", `The database is away, so ${verb} cannot be sent.`, { verb });
}

/** Wake-ups that get lost, come twice, or late. */
function simulatedNotifier(process: Process, world: World): Notifier {
  const publish = (queue: string, reason: WakeReason) => {
    if (!process.isDead) world.wake(queue, reason);
  };
  return {
    publish,
    publishOnCommit: async (_tx, queue) => publish(queue, "work"),
    async subscribe(queue, wake) {
      return world.subscribe(process, queue, wake);
    },
  };
}
