import type { Transaction } from "@sherd/core";
import type { Executor } from "../../executor.ts";
import type { Parameter, Row } from "../../sessions/session.ts";
import { sessionOf } from "../session-of.ts";

/** Send a verb's one statement, in the caller's transaction where there is one. */
export function sendVerb(
  executor: Executor,
  verb: string,
  text: string,
  parameters: readonly Parameter[],
  tx: Transaction | undefined,
): Promise<readonly Row[]> {
  return tx === undefined
    ? executor.own(verb, () => executor.send(verb, verb, text, parameters))
    : executor.joined(verb, () => executor.send(verb, verb, text, parameters, sessionOf(tx)));
}
