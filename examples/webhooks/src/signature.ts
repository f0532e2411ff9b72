import { createHmac, timingSafeEqual } from "node:crypto";

export interface Signed {
  readonly idempotencyKey: string;
  /** Seconds since the epoch. */
  readonly timestamp: string;
  readonly body: string;
}

const toleranceSeconds = 300;

/** HMAC-SHA256 over the key, the time and the body, so that none of them can be swapped. */
export function sign({ idempotencyKey, timestamp, body }: Signed, secret: string): string {
  const text = `${idempotencyKey}.${timestamp}.${body}`;
  return `v1,${createHmac("sha256", secret).update(text).digest("base64")}`;
}

/** The receiving side: true for a signature that is right and not older than five minutes. */
export function isSignedBy(secret: string, signed: Signed, signature: string): boolean {
  const ageSeconds = Math.abs(Date.now() / 1000 - Number(signed.timestamp));
  if (!(ageSeconds <= toleranceSeconds)) return false;
  const expected = Buffer.from(sign(signed, secret));
  const received = Buffer.from(signature);
  return expected.length === received.length && timingSafeEqual(expected, received);
}
