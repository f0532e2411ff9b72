/** Where a measurement takes place: its database, and how to ask the server about it. */
export interface Place {
  /** For `OpenOptions.url`. */
  readonly url: string;
  /** Another database of the same PostgreSQL server; null where the system is not on PostgreSQL. */
  readonly adminUrl: string | null;
}
