import { globSync } from "node:fs";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const projects = ["benchmarks", "tooling", ...globSync(["packages/*", "examples/*"])].sort();

/** Folders whose tests never ask for `postgresUrl`; a run of nothing else starts no PostgreSQL. */
const withoutPostgres = [
  "benchmarks",
  "examples/cloudflare",
  "examples/inventory",
  "examples/testing",
  "packages/cli",
  "packages/core",
  "packages/dispatcher-node",
  "packages/sqlite",
];

const postgres = `${import.meta.dirname}/tooling/postgres.ts`;
const conditions = ["@sherd/source", "node"];
/** A bound for what hangs, not a measure of speed: machines that run tests do other things besides. */
const testTimeout = 20_000;

type WorkerOptions = Parameters<typeof cloudflareTest>[0];

/** A Worker for tests alone, with one Durable Object. */
const host = {
  main: "test/workerd/worker.ts",
  miniflare: {
    compatibilityDate: "2026-10-01",
    compatibilityFlags: ["nodejs_compat"],
    durableObjects: { HOST: { className: "Host", useSQLite: true } },
  },
};

/** Folders with tests that run inside workerd, as Workers do, and the Worker there. */
const inWorkerd: Readonly<Record<string, WorkerOptions>> = {
  "examples/cloudflare": { wrangler: { configPath: "wrangler.jsonc" } },
  "packages/dispatcher-cloudflare-do": host,
  "packages/postgres": ({ inject }) => ({
    ...host,
    miniflare: { ...host.miniflare, durableObjects: {}, bindings: { POSTGRES_URL: inject("postgresUrl") } },
  }),
  "packages/sqlite": {
    ...host,
    // One of a class that is not among those with SQLite.
    miniflare: {
      ...host.miniflare,
      durableObjects: {
        ...host.miniflare.durableObjects,
        KEY_VALUE_HOST: { className: "KeyValueHost", useSQLite: false },
      },
    },
  },
};

// It would keep one in the home directory for each run.
process.env["WRANGLER_WRITE_LOGS"] ??= "false";

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    maxWorkers: 2,
    testTimeout,
    hookTimeout: testTimeout,
    execArgv: ["--conditions=@sherd/source"],
    onUnhandledError: (error) => !isOfPostgresJs(error),
    projects: [...projects.map(nodeProject), ...Object.entries(inWorkerd).map(workerdProject)],
  },
});

function nodeProject(root: string) {
  return {
    extends: true as const,
    test: {
      name: root.replace("packages/", ""),
      root,
      include: ["**/*.test.ts"],
      exclude: ["**/node_modules/**", "**/workerd/**"],
      globalSetup: withoutPostgres.includes(root) ? [] : [postgres],
    },
  };
}

function workerdProject([root, worker]: [root: string, worker: WorkerOptions]) {
  return {
    plugins: [cloudflareTest(worker)],
    resolve: { conditions: ["@sherd/source", "workerd", "worker"] },
    ssr: { resolve: { conditions: ["@sherd/source", "workerd", "worker"] } },
    test: {
      name: `${root.replace("packages/", "")} in workerd`,
      testTimeout,
      hookTimeout: testTimeout,
      root,
      include: ["test/workerd/**/*.test.ts"],
      globalSetup: root === "packages/postgres" ? [postgres] : [],
    },
  };
}

/**
 * In workerd, postgres.js 3.4 leaves a rejection behind for each connection that it ends: it reads on from a socket whose
 * listeners it has removed (porsager/postgres#1202). Nothing is lost by it.
 */
function isOfPostgresJs({
  message,
  stack,
}: {
  readonly message: string;
  readonly stack?: string | undefined;
}) {
  const known = ["This socket has been closed.", "Stream was cancelled.", "Network connection lost."];
  return known.includes(message) && stack?.includes("/postgres/cf/polyfills.js") === true;
}
