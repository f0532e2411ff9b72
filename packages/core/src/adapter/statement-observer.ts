/** One statement that an adapter sends, as tests and budgets see it. */
export interface StatementBoundary {
  /** The verb it belongs to: `claim`, `settle`, `transaction`, `migrate`… */
  readonly verb: string;
  /** The statement within the verb: `begin`, `read-bodies`, `commit`… */
  readonly statement: string;
  readonly phase: "before" | "after";
}

/**
 * The seam at which statements are counted and faults are injected: awaited right before a statement is
 * sent, and right after its answer came. What it throws is thrown in the statement's place: thrown after
 * a commit, the commit stands and its caller never hears of it.
 */
export type StatementObserver = (boundary: StatementBoundary) => void | Promise<void>;
