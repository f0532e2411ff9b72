/** When a claim calls its walk past busy items deep, and what it does then. Tests put smaller numbers in place of these. */
export const depth = {
  /** How many items that nobody holds it looks at before. `known` are those that it has to expect. */
  reach(limit: number, known: number, paysByRow: boolean): number {
    return 2 * limit + known + (paysByRow ? worthWriting : 200);
  },

  /** How many items one claim moves out of the way of the next ones at most, about. */
  batch: 2_000,
};

/**
 * To write a row costs a thousand times as much as to read one where both are billed, and to block an item and unblock it
 * writes eight: it pays where claims would walk past it some thousands of times.
 */
const worthWriting = 10_000;
