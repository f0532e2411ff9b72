import type { QueueUnderTest } from "./queue-under-test.ts";

/** Tests of one group of guarantees, by the guarantee that each one asserts; each gets a queue of its own. */
export type Guarantees = Readonly<Record<string, (q: QueueUnderTest) => Promise<void>>>;
