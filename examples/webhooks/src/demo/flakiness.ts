import { createHash } from "node:crypto";

/** What becomes of one request. */
export type Answer = "accept" | "error" | "busy" | "hang" | "drop";

const seed = 75_435;
/** Out of a hundred; all others are accepted. */
const shares: readonly (readonly [Answer, number])[] = [
  ["error", 15],
  ["hang", 4],
  ["drop", 4],
  ["busy", 2],
];

/** Decide by these two numbers alone, so that every run has the same bad luck. */
export function flakyAnswer(
  webhook: number,
  attempt: number,
): { readonly answer: Answer; readonly delayMs: number } {
  const digest = createHash("sha256").update(`${seed}:${webhook}:${attempt}`).digest();
  const delayMs = 20 + (digest.readUInt32BE(4) % 100);
  let dice = digest.readUInt32BE(0) % 100;
  for (const [answer, share] of shares) {
    if (dice < share) return { answer, delayMs };
    dice -= share;
  }
  return { answer: "accept", delayMs };
}
