import { createHash } from "node:crypto";

/** What becomes of one request. */
export type Answer = "ok" | "error" | "busy" | "hang";

const seed = 50_812;
/** Out of a hundred; all others are answered. */
const shares: readonly (readonly [Answer, number])[] = [
  ["error", 7],
  ["busy", 3],
  ["hang", 2],
];

/** Decide by what is asked for, and how often it was asked for, so that every run has the same bad luck. */
export function flakyAnswer(
  path: string,
  attempt: number,
): { readonly answer: Answer; readonly delayMs: number } {
  const digest = createHash("sha256").update(`${seed}:${path}:${attempt}`).digest();
  const delayMs = 30 + (digest.readUInt32BE(4) % 60);
  let dice = digest.readUInt32BE(0) % 100;
  for (const [answer, share] of shares) {
    if (dice < share) return { answer, delayMs };
    dice -= share;
  }
  return { answer: "ok", delayMs };
}
