declare namespace Cloudflare {
  interface Env {
    readonly POSTGRES_URL: string;
  }
}
