import { SherdError, type WakeReason } from "@sherd/core";
import type { Sql } from "postgres";
import { asSherdError } from "./failure.ts";
import type { Subscribers } from "./subscribers.ts";

export interface Listener {
  /** Resolves when it hears, or when it could not at first; then it goes on trying. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * One LISTEN for all subscribers, on a connection of its own that is made at the first and ended after the last.
 * postgres.js connects anew, with growing pauses, and calls back each time that it listens again.
 */
export function createListener(channel: string, subscribers: Subscribers, open: () => Sql): Listener {
  let running: { readonly client: Sql; readonly heard: Promise<void> } | undefined;

  const start = () => {
    const client = open();
    let attempts = 0;
    const onListen = () => {
      attempts += 1;
      if (attempts === 1) return;
      subscribers.fail(connectionLost());
      subscribers.wakeAll();
    };
    const heard = client
      .listen(channel, (payload) => receive(payload, subscribers), onListen)
      .then(
        () => {},
        (error: unknown) => {
          attempts += 1;
          subscribers.fail(asSherdError(error, "listen"));
        },
      );
    return { client, heard };
  };

  return {
    start: () => (running ??= start()).heard,
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.client.end({ timeout: 0 }).catch(() => {});
    },
  };
}

function receive(payload: string, subscribers: Subscribers): void {
  const colon = payload.indexOf(":");
  const reason = payload.slice(0, colon);
  if (isWakeReason(reason)) subscribers.wake(payload.slice(colon + 1), reason);
}

function isWakeReason(reason: string): reason is WakeReason {
  return reason === "work" || reason === "cancel";
}

function connectionLost(): SherdError {
  return new SherdError(
    "DATABASE_UNAVAILABLE",
    "The connection that listens for notifications was lost and has been made anew. Until then work was found by " +
      "polling alone; nothing needs to be done unless this repeats.",
    { verb: "listen" },
  );
}
