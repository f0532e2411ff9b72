import type { AttemptError, PulledItem, PullPhase } from "@sherd/core";

type Columns = readonly [
  id: string,
  key: string,
  phase: PullPhase,
  body: string,
  memo: string,
  dueAt: number | null,
  owner: string | null,
  lease: string | null,
  leaseExpiresAt: number | null,
  attempts: number,
  failures: number,
  lost: number,
  error: AttemptError | null,
  revision: number,
  startedAt: number | null,
  endedAt: number | null,
  succeededAt: number | null,
  createdAt: number,
  updatedAt: number,
];

/** What `sherd_pulled_v1` answers for one item. */
export function pulledItem(text: unknown): PulledItem {
  const [id, key, phase, body, memo, dueAt, owner, lease, leaseExpiresAt, ...rest] = JSON.parse(
    String(text),
  ) as Columns;
  const [attempts, failures, lost, error, revision, startedAt, endedAt, ...times] = rest;
  const [succeededAt, createdAt, updatedAt] = times;
  return {
    id,
    key,
    phase,
    body,
    memo,
    dueAt,
    owner,
    lease,
    leaseExpiresAt,
    attempts,
    failures,
    lost,
    error,
    revision,
    startedAt,
    endedAt,
    succeededAt,
    createdAt,
    updatedAt,
  };
}
