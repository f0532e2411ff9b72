declare namespace Cloudflare {
  interface Env {
    readonly HOST: DurableObjectNamespace;
  }
}
