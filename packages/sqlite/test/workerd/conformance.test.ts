import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describeAdapter } from "@sherd/testing";
import { durableObjectAdapter } from "../../src/durable-object.ts";

describeAdapter({
  name: "a Durable Object, in workerd",
  async create() {
    const object = env.HOST.getByName(crypto.randomUUID());
    const adapter = await runInDurableObject(object, (_, { storage }) => durableObjectAdapter(storage));
    return {
      adapter,
      run: (work) => runInDurableObject(object, work),
      close: () => adapter.close(),
    };
  },
});
