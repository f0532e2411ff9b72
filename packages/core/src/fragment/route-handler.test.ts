import { expect, test } from "vitest";
import type { Routes } from "./define.ts";
import { routeHandler } from "./route-handler.ts";

/** Answers with what it was asked. */
const echo: Routes = {
  fetch: async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    return Response.json({
      method: request.method,
      path: `${pathname}${search}`,
      body: await request.text(),
      key: request.headers.get("x-key"),
    });
  },
};

async function asked(mountRoute: string, path: string, init?: RequestInit): Promise<unknown> {
  const response = await routeHandler(
    "shop",
    mountRoute,
    echo,
  )(new Request(`https://a.example${path}`, init));
  return response.status === 200 ? response.json() : response.status;
}

test.each([
  ["/shop", "/shop", "/"],
  ["/shop", "/shop/", "/"],
  ["/shop", "/shop/events/1?a=1&b=%20", "/events/1?a=1&b=%20"],
  ["/shop/", "/shop/events", "/events"],
  ["/shop//", "/shop", "/"],
  ["/api/v1/shop", "/api/v1/shop/events", "/events"],
  ["/", "/events", "/events"],
  ["/", "/", "/"],
])("mounted at %s, %s is served as %s", async (mountRoute, path, served) => {
  expect(await asked(mountRoute, path)).toMatchObject({ path: served });
});

test.each(["/", "/shopping", "/shop2/events", "/api/shop", "/SHOP"])(
  "mounted at /shop, %s is not found",
  async (path) => {
    expect(await asked("/shop", path)).toBe(404);
  },
);

test("method, headers and body reach the routes", async () => {
  const init = { method: "POST", body: "order", headers: { "x-key": "k" } };
  expect(await asked("/shop", "/shop/events", init)).toEqual({
    method: "POST",
    path: "/events",
    body: "order",
    key: "k",
  });
});

test("the routes keep their this, and an abort reaches them", async () => {
  class Router {
    readonly #answer = "mine";
    aborted = false;
    fetch(request: Request): Response {
      request.signal.addEventListener("abort", () => (this.aborted = true));
      return new Response(this.#answer);
    }
  }
  const router = new Router();
  const controller = new AbortController();
  const request = new Request("https://a.example/shop/", { signal: controller.signal });
  const response = await routeHandler("shop", "/shop", router)(request);
  expect(await response.text()).toBe("mine");
  controller.abort();
  expect(router.aborted).toBe(true);
});

test("the routes get the host's waitUntil, or one that does nothing", async () => {
  const contexts: { waitUntil: (promise: Promise<unknown>) => void; passThroughOnException: () => void }[] =
    [];
  const routes = {
    fetch: (_request: Request, env: unknown, context: (typeof contexts)[number]) => {
      expect(env).toEqual({});
      contexts.push(context);
      return new Response();
    },
  } as unknown as Routes;
  const handle = routeHandler("shop", "/shop", routes);
  const waited: unknown[] = [];
  await handle(new Request("https://a.example/shop"), { waitUntil: (promise) => waited.push(promise) });
  await handle(new Request("https://a.example/shop"));
  const promise = Promise.resolve();
  for (const context of contexts) {
    context.waitUntil(promise);
    context.passThroughOnException();
  }
  expect(contexts).toHaveLength(2);
  expect(waited).toEqual([promise]);
});

test("a mount route that is no path is refused", () => {
  const details = { option: "options.mountRoute", received: "shop" };
  expect(() => routeHandler("shop", "shop", echo)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", details }),
  );
});

test("a fragment without routes answers no request", async () => {
  const handle = routeHandler("shop", "/shop", null);
  await expect(handle(new Request("https://a.example/shop"))).rejects.toMatchObject({
    code: "ROUTES_MISSING",
    details: { namespace: "shop" },
  });
});
