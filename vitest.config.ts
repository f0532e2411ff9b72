import { globSync } from "node:fs";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const projects = ["tooling", ...globSync(["packages/*", "examples/*"])].sort();

/** Folders whose tests never ask for `postgresUrl`; a run of nothing else starts no PostgreSQL. */
const withoutPostgres = [
  "examples/testing",
  "packages/cli",
  "packages/core",
  "packages/dispatcher-node",
  "packages/sqlite",
];

const conditions = ["@sherd/source", "node"];

/** Folders with tests that run inside workerd, as Workers do, and the Durable Objects that their `worker.ts` has. */
const inWorkerd: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "packages/dispatcher-cloudflare-do": { HOST: "Host" },
  "packages/sqlite": { HOST: "Host" },
};

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    maxWorkers: 2,
    execArgv: ["--conditions=@sherd/source"],
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
      globalSetup: withoutPostgres.includes(root) ? [] : [`${import.meta.dirname}/tooling/postgres.ts`],
    },
  };
}

function workerdProject([root, objects]: [root: string, objects: Readonly<Record<string, string>>]) {
  return {
    plugins: [
      cloudflareTest({
        main: "test/workerd/worker.ts",
        miniflare: {
          compatibilityDate: "2026-10-01",
          compatibilityFlags: ["nodejs_compat"],
          durableObjects: Object.fromEntries(
            Object.entries(objects).map(([name, className]) => [name, { className, useSQLite: true }]),
          ),
        },
      }),
    ],
    resolve: { conditions: ["@sherd/source", "workerd", "worker"] },
    ssr: { resolve: { conditions: ["@sherd/source", "workerd", "worker"] } },
    test: {
      name: `${root.replace("packages/", "")} in workerd`,
      root,
      include: ["test/workerd/**/*.test.ts"],
    },
  };
}
