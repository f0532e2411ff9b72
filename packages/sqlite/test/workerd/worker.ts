import { DurableObject } from "cloudflare:workers";

/** An object whose storage the tests use from inside it. */
export class Host extends DurableObject {}

export default {
  fetch: () => new Response(),
};
