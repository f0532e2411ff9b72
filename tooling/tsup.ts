/** The one build that every package shares: ESM and declarations in `dist/`. */
import { defineConfig } from "tsup";

export function library(entry: string[]) {
  return defineConfig({
    entry,
    format: "esm",
    target: "es2023",
    platform: "neutral",
    external: [/^(node|cloudflare):/],
    removeNodeProtocol: false,
    dts: true,
    sourcemap: true,
    clean: true,
    silent: true,
  });
}
