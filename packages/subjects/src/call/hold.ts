import { pullMoves } from "@sherd/core";
import type { Subject } from "../subject.ts";
import { encodeProgress, fenceOf, requireWhole } from "./check.ts";
import { longestLeaseMs } from "./claim.ts";
import { moveOne } from "./move.ts";
import type { CallPlace } from "./place.ts";
import type { Checkpoint, HeldSubject, OfPool } from "./requests.ts";

export async function checkpointSubject(
  place: CallPlace,
  { dispatcherId, ...one }: OfPool<string> & Checkpoint<unknown, unknown>,
): Promise<Subject<never, never>> {
  const call = "checkpoint";
  const pool = place.poolOf(call, dispatcherId);
  const leaseMs =
    one.leaseMs === undefined ? null : requireWhole(call, "leaseMs", one.leaseMs, 1, longestLeaseMs);
  const progress = await encodeProgress(call, pool.pool, one);
  return moveOne(place, call, pool, pullMoves.checkpoint(fenceOf(call, one), progress, leaseMs));
}

export async function releaseSubject(
  place: CallPlace,
  { dispatcherId, ...one }: OfPool<string> & HeldSubject,
): Promise<Subject<never, never>> {
  const call = "release";
  return moveOne(place, call, place.poolOf(call, dispatcherId), pullMoves.release(fenceOf(call, one)));
}
