declare namespace Cloudflare {
  interface Env {
    readonly HOST: DurableObjectNamespace;
    readonly KEY_VALUE_HOST: DurableObjectNamespace;
  }
}
