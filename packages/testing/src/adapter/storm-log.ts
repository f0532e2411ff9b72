export type End = "completed" | "failed" | "lost" | "released";

export interface Holding {
  readonly id: string;
  /** Unique to the claim. */
  readonly owner: string;
  /** When the claim's answer came: the lease stood by then. Infinity when it had ended by then. */
  readonly from: number;
  /** When the call that ended it was made: the lease still stood then. */
  until: number;
  end: End | null;
}

/** What the workers of a storm were told, and when it was certainly so. */
export class StormLog {
  readonly completed = new Map<string, number>();
  readonly #holdings = new Map<string, Holding>();

  claimed(id: string, owner: string): void {
    if (this.#holdings.has(`${id} ${owner}`)) return;
    this.#holdings.set(`${id} ${owner}`, { id, owner, from: performance.now(), until: Infinity, end: null });
  }

  /** `at` is when the call was made whose answer tells of the end. */
  ended(id: string, owner: string, end: End, at: number): void {
    if (end === "completed") this.completed.set(id, (this.completed.get(id) ?? 0) + 1);
    const holding = this.#holdings.get(`${id} ${owner}`);
    if (holding === undefined) {
      // A sweep may tell of a loss before the claim is answered, which then may leave the item out.
      this.#holdings.set(`${id} ${owner}`, { id, owner, from: Infinity, until: at, end });
      return;
    }
    if (holding.end !== null)
      throw new Error(`${owner} ended ${id} as ${end}, after it had ended as ${holding.end}.`);
    holding.until = at;
    holding.end = end;
  }

  /** Pairs that were certainly held at the same time although they share what `keyOf` answers. */
  overlaps(keyOf: (holding: Holding) => string | null): readonly (readonly [Holding, Holding])[] {
    const last = new Map<string, Holding>();
    const overlapping: (readonly [Holding, Holding])[] = [];
    // One that was ended before its claim was answered was never certainly held.
    const held = [...this.#holdings.values()].filter(({ from, until }) => from < until);
    for (const holding of held.toSorted((a, b) => a.from - b.from)) {
      const key = keyOf(holding);
      if (key === null) continue;
      const before = last.get(key);
      if (before !== undefined && before.until > holding.from) overlapping.push([before, holding]);
      if (before === undefined || before.until < holding.until) last.set(key, holding);
    }
    return overlapping;
  }

  /** What was claimed and of whose end nobody was told. */
  unended(): readonly Holding[] {
    return [...this.#holdings.values()].filter(({ end }) => end === null);
  }

  attemptsOf(id: string): { readonly attempts: number; readonly failures: number; readonly lost: number } {
    const ends = [...this.#holdings.values()].filter((holding) => holding.id === id).map(({ end }) => end);
    const count = (wanted: End) => ends.filter((end) => end === wanted).length;
    const failures = count("failed");
    const lost = count("lost");
    return { attempts: failures + lost + count("completed"), failures, lost };
  }
}
