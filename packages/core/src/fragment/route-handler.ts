import { SherdError } from "../errors.ts";
import { invalidOption } from "../options/invalid-option.ts";
import type { Routes } from "./define.ts";
import type { HandlerContext } from "./fragment.ts";

/** A fetch handler for the routes under `mountRoute`: it takes the prefix off, and answers 404 outside it. */
export function routeHandler(
  namespace: string,
  mountRoute: string,
  routes: Routes | null,
): (request: Request, context?: HandlerContext) => Promise<Response> {
  if (!mountRoute.startsWith("/"))
    throw invalidOption("options.mountRoute", mountRoute, "a path that begins with /");
  const prefix = prefixOf(mountRoute);
  return async (request, context = {}) => {
    if (routes === null) throw routesMissing(namespace);
    const url = new URL(request.url);
    if (!isMountedAt(mountRoute, url.pathname)) return new Response("Not Found", { status: 404 });
    url.pathname = url.pathname.slice(prefix.length) || "/";
    const fetch = routes.fetch.bind(routes) as (...args: unknown[]) => Response | Promise<Response>;
    // The second and third argument are what routers on serverless hosts expect: an environment and a context.
    return fetch(
      new Request(url, request),
      {},
      { waitUntil: () => undefined, passThroughOnException() {}, ...context },
    );
  };
}

/** Whether the routes that are mounted there serve the path. */
export function isMountedAt(mountRoute: string, pathname: string): boolean {
  const prefix = prefixOf(mountRoute);
  return pathname === prefix || pathname.startsWith(`${prefix}/`);
}

function prefixOf(mountRoute: string): string {
  return mountRoute.replace(/\/+$/, "");
}

function routesMissing(namespace: string): SherdError {
  return new SherdError(
    "ROUTES_MISSING",
    `Cannot handle a request: fragment "${namespace}" defines no routes.`,
    {
      namespace,
    },
  );
}
