import { defineFragment, type HandlerContext, hook, instantiate, isSherdError, migrate } from "@sherd/core";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

const mailDefinition = defineFragment<{ readonly greeting: string }>("mail")
  .withHooks(() => ({ send: hook({ input: z.object({ to: z.string() }), run() {} }) }))
  .withServices(() => ({ send: (uow, to: string) => uow.triggerHook("send", { to }) }))
  .withRoutes(({ config, services }) =>
    new Hono()
      .get("/", (c) => c.text(`${config.greeting} from ${new URL(c.req.url).pathname}`))
      .post("/mails/:box", async (c) => {
        const { to } = await c.req.json<{ to: string }>();
        c.executionCtx.waitUntil(Promise.resolve(c.req.param("box")));
        return c.json({ id: await services.send(to), box: c.req.param("box"), q: c.req.query("q") }, 201);
      })
      .get("/fails", () => {
        throw new Error("the route broke");
      })
      .onError((error, c) => c.json({ error: error.message }, 500)),
  )
  .build();

describe.each(everyDatabase)("routes, on %s", (kind) => {
  const probes = useProbes(kind);

  it("a request under mountRoute reaches its route, whose services commit", async () => {
    const fragment = await openMail("/api/mail");
    const waited: Promise<unknown>[] = [];
    const context: HandlerContext = { waitUntil: (promise) => void waited.push(promise) };
    const request = new Request("https://example.test/api/mail/mails/in%20box?q=1", {
      method: "POST",
      body: JSON.stringify({ to: "a@b.test" }),
    });
    const response = await fragment.handler(request, context);
    expect(response.status).toBe(201);
    const { id, ...rest } = (await response.json()) as { id: string };
    expect(rest).toEqual({ box: "in box", q: "1" });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", payload: { to: "a@b.test" } });
    expect(await Promise.all(waited)).toEqual(["in box"]);
  });

  it("an error of a service is the router's to answer, and nothing was written", async () => {
    const fragment = await openMail("/mail");
    const request = new Request("https://example.test/mail/mails/in", { method: "POST", body: '{"to":7}' });
    const response = await fragment.handler(request);
    expect(response.status).toBe(500);
    expect(((await response.json()) as { error: string }).error).toMatch(
      /does not fit the hook's input schema/,
    );
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
  });

  async function openMail(mountRoute: string) {
    const fragment = instantiate(mailDefinition)
      .withConfig({ greeting: "hello" })
      .withOptions({ databaseAdapter: probes.adapter(), namespace: freshNamespace(), mountRoute })
      .build();
    await migrate(fragment);
    return fragment;
  }
});

describe("routes", () => {
  const probes = useProbes("node:sqlite in memory");
  const open = (mountRoute?: string) =>
    instantiate(mailDefinition)
      .withConfig({ greeting: "hello" })
      .withOptions({
        databaseAdapter: probes.adapter(),
        namespace: freshNamespace(),
        ...(mountRoute === undefined ? {} : { mountRoute }),
      })
      .build();
  const get = (path: string) => new Request(`https://example.test${path}`);

  it.each(["/mail", "/mail/"])(
    "mountRoute %s: its own path is the routes' root, also with a query",
    async (mountRoute) => {
      const { handler } = open(mountRoute);
      for (const path of ["/mail", "/mail/", "/mail?a=1"]) {
        expect(await (await handler(get(path))).text()).toBe("hello from /");
      }
    },
  );

  it("the default mountRoute is the namespace, and / takes every path", async () => {
    const fragment = open();
    expect(fragment.mountRoute).toBe(`/${fragment.namespace}`);
    expect((await fragment.handler(get(`/${fragment.namespace}`))).status).toBe(200);
    expect(await (await open("/").handler(get("/"))).text()).toBe("hello from /");
  });

  it("a fragment tells the mountRoute that it was given, and null when it has no routes to serve there", async () => {
    expect(open("/api/mail").mountRoute).toBe("/api/mail");
    const { fragment } = await probes.make();
    expect(fragment.mountRoute).toBeNull();
  });

  it.each(["/", "/mailbox", "/api/mail", "/MAIL"])(
    "%s is outside /mail: 404, and no route sees it",
    async (path) => {
      const definition = defineFragment("greedy")
        .withRoutes(() => ({ fetch: () => new Response("inside") }))
        .build();
      const { handler } = instantiate(definition)
        .withOptions({ databaseAdapter: probes.adapter(), namespace: freshNamespace(), mountRoute: "/mail" })
        .build();
      expect((await handler(get("/mail/any"))).status).toBe(200);
      expect((await handler(get(path))).status).toBe(404);
    },
  );

  it("what the router does not know is its 404, and what it throws and does not catch is the caller's", async () => {
    const { handler } = open("/mail");
    expect((await handler(get("/mail/none"))).status).toBe(404);
    const failing = await handler(get("/mail/fails"));
    expect([failing.status, await failing.json()]).toEqual([500, { error: "the route broke" }]);
    const failure = new Error("no answer");
    const definition = defineFragment("broken")
      .withRoutes(() => ({ fetch: () => Promise.reject(failure) }))
      .build();
    const broken = instantiate(definition).withOptions({ databaseAdapter: probes.adapter() }).build();
    expect(await rejection(broken.handler(get("/broken")))).toBe(failure);
  });

  it("a fragment without routes is ROUTES_MISSING", async () => {
    const { fragment } = await probes.make();
    const refused = await rejection(fragment.handler(get(`/${fragment.namespace}`)));
    expect(isSherdError(refused, "ROUTES_MISSING") && refused.details).toEqual({
      namespace: fragment.namespace,
    });
  });
});
