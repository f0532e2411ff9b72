import type { ClaimRequest } from "@sherd/core";

/** A valid request for whatever the queue has, but for what `overrides` says. */
export function claimRequest(queue: string, overrides: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    queue,
    names: ["deliver"],
    limit: 100,
    leaseMs: 60_000,
    owner: "a worker",
    ...overrides,
  };
}
