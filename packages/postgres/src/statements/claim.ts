import { type Claim, type ClaimedItem, type ClaimRequest, released } from "@sherd/core";
import type { Executor } from "../executor.ts";
import { isTooLarge } from "../failure.ts";
import { onlyRow, plainArray, textArray } from "../literal.ts";
import { closeLeases } from "./close-leases.ts";
import { settle } from "./settle.ts";

/** Locks, index and isolation are those of `sherd_lease_v1` and `sherd_pick_v1`. */
const text = `call sherd_claim_v1(
  $1::text, $2::text::text[], $3::integer, $4::float8, $5::text, $6::text::uuid[], $7::integer, $8::boolean)`;

/** More losses than an item can have. */
const never = 2 ** 31 - 1;

/** Where the bodies of that many are too large for one answer, fewer are claimed. */
export async function claim(
  executor: Executor,
  request: ClaimRequest,
  closed: readonly string[],
): Promise<Claim> {
  try {
    return await claimUpTo(executor, request, closed);
  } catch (error) {
    if (request.limit === 1 || !isTooLarge(error)) throw error;
    return claim(executor, { ...request, limit: Math.ceil(request.limit / 2) }, closed);
  }
}

async function claimUpTo(
  executor: Executor,
  request: ClaimRequest,
  closed: readonly string[],
): Promise<Claim> {
  const { queue, names, limit, leaseMs, owner, suspects = { lostFrom: never, takesOne: true } } = request;
  const suspectFrom = Math.min(suspects.lostFrom, never);
  const leaseParameters = [queue, textArray(names), limit, leaseMs, owner, plainArray(closed)];
  const parameters = [...leaseParameters, suspectFrom, suspects.takesOne];
  const row = onlyRow(await executor.own("claim", () => executor.send("claim", "lease", text, parameters)));
  const { candidates, lines, leases, read } = parseAnswer(String(row["claimed"]));
  const items: ClaimedItem[] = [];
  const overrun: Fence[] = [];
  for (const [index, line] of lines.entries()) {
    const lease = leases[index] ?? leases[0] ?? "";
    const [id, revision] = line;
    const fields = line.length > 2 ? line : read.get(id);
    if (fields === undefined) continue;
    const unusual = unusualOf(fields);
    const [, isCancelled] = unusual;
    // Replaced, or asked to stop, between the lease and the reading.
    if (isCancelled || fields[1] !== revision) overrun.push({ id, lease, revision: Number(revision) });
    else items.push(claimedItem(fields, unusual, lease));
  }
  if (overrun.length > 0) await giveBack(executor, queue, overrun, items);
  return { items, more: candidates >= limit };
}

interface Answer {
  readonly candidates: number;
  /** One for all, or one for each line. */
  readonly leases: readonly string[];
  /** As they were leased; without fields where those were read later. */
  readonly lines: readonly Line[];
  /** By id, what was read later. */
  readonly read: ReadonlyMap<string, Line>;
}

interface Fence {
  readonly id: string;
  readonly lease: string;
  readonly revision: number;
}

/** The fields of `sherd_line_v1`. */
type Line = readonly [id: string, revision: string, ...fields: string[]];

function parseAnswer(claimed: string): Answer {
  const [header = "", lines = "", rest = ""] = claimed.split("\x1d");
  const [candidates, leases] = JSON.parse(header) as readonly [number, readonly string[] | null];
  const read = new Map(parseLines(rest).map((line) => [line[0], line]));
  return { candidates, leases: leases ?? [], lines: parseLines(lines), read };
}

function parseLines(text: string): readonly Line[] {
  if (text === "") return [];
  return text.split("\x1e").map((line) => line.split("\x1f") as unknown as Line);
}

type Unusual = readonly [
  concurrencyKey: string | null,
  cancel: boolean,
  failures: number,
  lost: number,
  timeoutMs: number | null,
  trace: string | null,
];

const usual: Unusual = [null, false, 0, 0, null, null];

function unusualOf([, , , , , , , unusual = ""]: Line): Unusual {
  return unusual === "" ? usual : (JSON.parse(unusual) as Unusual);
}

/**
 * Take items off their leases that were replaced, or asked to stop, before they were begun: they wait again, or end as
 * cancelled.
 */
async function giveBack(
  executor: Executor,
  queue: string,
  overrun: readonly Fence[],
  others: readonly ClaimedItem[],
): Promise<void> {
  const held = new Set(others.map(({ lease }) => lease));
  const empty = new Set(overrun.map(({ lease }) => lease).filter((lease) => !held.has(lease)));
  // The other items are the caller's whatever becomes of these, which a sweep finds at the latest.
  await settle(executor, queue, overrun.map(released)).catch(() => {});
  await closeLeases(executor, [...empty]).catch(() => {});
}

function claimedItem(line: Line, unusual: Unusual, lease: string): ClaimedItem {
  const [id, revision, name = "", retry = "", maxAttempts, createdAt, body = ""] = line;
  const [concurrencyKey, , failures, lost, timeoutMs, trace] = unusual;
  return {
    id,
    lease,
    name,
    concurrencyKey,
    revision: Number(revision),
    failures,
    lost,
    maxAttempts: Number(maxAttempts),
    retry,
    timeoutMs,
    body,
    trace,
    createdAt: Math.round(Number(createdAt) * 1000),
  };
}
