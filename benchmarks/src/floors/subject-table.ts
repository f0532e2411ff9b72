import type { Ability } from "../system.ts";

const reason = "measured for its subjects alone";

export const onlySubjects: Readonly<Partial<Record<Ability, string>>> = {
  trigger: reason,
  triggerBesideWrite: reason,
  triggerTogether: reason,
  work: reason,
};

export const syncBatch = 1_000;

/** How long the floors' leases last, in milliseconds. */
export const leaseMs = 60_000;

export function subjectKeys(count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `subject-${number}`);
}

/** What a claim answers of each subject. */
export interface ClaimedSubject {
  readonly key: string;
  readonly revision: number;
}
