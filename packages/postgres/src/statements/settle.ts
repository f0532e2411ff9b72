import type { SettledItem, Settlement, Transaction } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { isLockTimeout } from "../failure.ts";
import { plainArray } from "../literal.ts";
import type { Session } from "../sessions/session.ts";
import { sessionOf } from "./session-of.ts";

/** Locks, index, isolation and modes are those of `sherd_settle_v1`. */
const text = `select lease::text as lease, item::text as id, result from sherd_settle_v1(
  $1::text, $2::text::uuid[], $3::text::uuid[], $4::text::integer[], $5::text::uuid[], $6::text::uuid, $7::text::uuid,
  $8::text::json, $9::text)`;

type Mode = "own" | "skip" | "joined";
type Answer = SettledItem["result"] | "skipped";

export async function settle(
  executor: Executor,
  queue: string,
  outcomes: readonly Settlement[],
  tx?: Transaction,
): Promise<readonly SettledItem[]> {
  if (outcomes.length === 0) return [];
  const answers =
    tx === undefined
      ? await executor.own("settle", () => settleOwn(executor, queue, outcomes))
      : await executor.joined("settle", () => send(executor, queue, outcomes, "joined", sessionOf(tx)));
  const seen = new Set<string>();
  return outcomes.map((outcome) => {
    const attempt = attemptOf(outcome);
    const result = seen.has(attempt) ? "lost" : resultOf(answers.get(attempt));
    seen.add(attempt);
    return { id: outcome.id, result };
  });
}

/** Waits for others' locks a moment; then settles what is free. */
async function settleOwn(
  executor: Executor,
  queue: string,
  outcomes: readonly Settlement[],
): Promise<ReadonlyMap<string, Answer>> {
  try {
    return await send(executor, queue, outcomes, "own");
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    return send(executor, queue, outcomes, "skip");
  }
}

/** What it does not answer is settled. */
async function send(
  executor: Executor,
  queue: string,
  outcomes: readonly Settlement[],
  mode: Mode,
  session?: Session,
): Promise<ReadonlyMap<string, Answer>> {
  const attempts = [
    ...new Map(outcomes.toReversed().map((outcome) => [attemptOf(outcome), outcome])).values(),
  ];
  const twice = idsThatRepeat(attempts);
  const isPlain = (outcome: Settlement) => isCompletion(outcome) && !twice.has(outcome.id);
  const completed = attempts.filter(isPlain);
  const others = attempts.filter((outcome) => !isPlain(outcome)).map(storable);
  const groups = byLease(completed);
  const ids = [...groups.values()].flat();
  const parameters = [
    queue,
    plainArray([...new Set(attempts.map(({ lease }) => lease))]),
    plainArray([...groups.keys()]),
    plainArray([...groups.values()].map(({ length }) => length)),
    plainArray(ids),
    ...bounds(ids),
    JSON.stringify(others),
    mode,
  ];
  const rows = await executor.send(
    "settle",
    mode === "skip" ? "settle-unlocked" : "settle",
    text,
    parameters,
    session,
  );
  return new Map(rows.map(({ lease, id, result }) => [`${String(lease)}/${String(id)}`, result as Answer]));
}

function byLease(outcomes: readonly Settlement[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const { lease, id } of outcomes) {
    const group = groups.get(lease);
    if (group === undefined) groups.set(lease, [id]);
    else group.push(id);
  }
  return groups;
}

/** The first and the last of ids; uuids sort as their texts do. */
function bounds(ids: readonly string[]): readonly [first: string | null, last: string | null] {
  let [first = null] = ids;
  let last = first;
  for (const id of ids) {
    if (first === null || id < first) first = id;
    if (last === null || id > last) last = id;
  }
  return [first, last];
}

function attemptOf({ lease, id }: Settlement): string {
  return `${lease}/${id}`;
}

/** A late end of an attempt that lost its lease may come in one batch with that of the item's next attempt. */
function idsThatRepeat(attempts: readonly Settlement[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(attempts.map(({ id }) => id).filter((id) => seen.size === seen.add(id).size));
}

/** Of an item that was not replaced, as far as was known when it was claimed. */
function isCompletion({ state, outcome, failed, lost, error, revision }: Settlement): boolean {
  return state === "done" && outcome === "completed" && !failed && !lost && error === null && revision === 0;
}

/** An error's text is anything a handler threw; `jsonb` takes neither NUL nor half of a surrogate pair. */
function storable(outcome: Settlement): Settlement {
  if (outcome.error === null) return outcome;
  const entries = Object.entries(outcome.error).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === "string" ? value.replaceAll(/[\0\p{Surrogate}]/gu, "\uFFFD") : value,
  ]);
  return { ...outcome, error: Object.fromEntries(entries) };
}

function resultOf(answer: Answer | undefined): SettledItem["result"] {
  return answer === "skipped" ? "busy" : (answer ?? "settled");
}
