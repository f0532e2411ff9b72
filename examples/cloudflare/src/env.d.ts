declare namespace Cloudflare {
  interface GlobalProps {
    readonly mainModule: typeof import("./worker.ts");
  }
  interface Env {
    readonly TENANT: DurableObjectNamespace<import("./tenant.ts").Tenant>;
    readonly REGISTRY: DurableObjectNamespace<import("./registry.ts").Registry>;
    /** Shared with the customers, who check the signatures with it. */
    readonly WEBHOOK_SECRET: string;
  }
}
