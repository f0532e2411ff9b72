import { Hono } from "hono";
import { sweep } from "./sweep.ts";

export { Registry } from "./registry.ts";
export { Tenant } from "./tenant.ts";

const app = new Hono<{ Bindings: Cloudflare.Env }>()
  .basePath("/tenants/:tenant{[a-z0-9-]{1,40}}")
  .get("/status", async (c) => c.json(await c.env.TENANT.getByName(c.req.param("tenant")).status()))
  .get("/orders/:id", (c) => c.env.TENANT.getByName(c.req.param("tenant")).fetch(atTenant(c.req.raw)))
  .post("/orders", async (c) => {
    const tenant = c.req.param("tenant");
    // The whole body first: the time that it takes must not count as the tenant's.
    const body = await c.req.arrayBuffer();
    await c.env.REGISTRY.getByName("registry").expect(tenant, Date.now());
    return c.env.TENANT.getByName(tenant).fetch(atTenant(c.req.raw), { method: "POST", body });
  });

export default {
  fetch: app.fetch,
  scheduled: (controller, env) => sweep(env, controller.scheduledTime),
} satisfies ExportedHandler<Cloudflare.Env>;

/** The URL as the tenant's fragment has it, without `/tenants/:tenant`. */
function atTenant({ url }: Request): URL {
  const { origin, pathname } = new URL(url);
  return new URL(`/${pathname.split("/").slice(3).join("/")}`, origin);
}
