/** What every driver carries the same way; arrays and rows travel as one text parameter. */
export type Parameter = string | number | boolean | null;

export type Row = Readonly<Record<string, unknown>>;

/** Where kernel statements are sent: a pool, each statement its own transaction, or one open transaction. */
export interface Session {
  /** Where the transaction begins with its first statement: begin it now. */
  begin?(): Promise<unknown>;
  /** `text` has placeholders `$1`…, each with its cast, as drivers infer types differently. */
  query(text: string, parameters: readonly Parameter[]): Promise<readonly Row[]>;
}
