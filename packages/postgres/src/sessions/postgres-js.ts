import type { Sql } from "postgres";
import type { Session } from "./session.ts";

/** Statements straight on postgres.js: prepared once a connection, one round trip each. */
export function postgresJsSession(client: Pick<Sql, "unsafe">, prepare: boolean): Session {
  return {
    async query(text, parameters) {
      const rows = await client.unsafe(text, [...parameters], { prepare });
      // After a statement that failed between two of its rows, postgres.js counts on for the connection's next one.
      return rows.length === 0 || 0 in rows ? rows : rows.filter(() => true);
    },
  };
}
