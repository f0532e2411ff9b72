import { DurableObject } from "cloudflare:workers";

/** An object whose storage the tests use from inside it. */
export class Host extends DurableObject {}

/** The same without SQLite. */
export class KeyValueHost extends DurableObject {}

export default {
  fetch: () => new Response(),
};
