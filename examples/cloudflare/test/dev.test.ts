import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DevServer } from "./dev-server.ts";
import { Receiver } from "./receiver.ts";

const options = { timeout: 45_000 };
const bounds = { timeout: 8_000, interval: 50 };
const minuteMs = 60_000;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "cloudflare-"));
});

afterEach(() => rm(directory, { recursive: true }));

test(
  "`pnpm dev` delivers what is ordered; killed during an attempt, it finds the work by the sweep",
  options,
  async () => {
    await using receiver = await Receiver.open();
    await using first = await DevServer.start(directory);
    const order = await first.order("acme", receiver.url);
    await vi.waitFor(() => expect(receiver.orders).toEqual([order]), bounds);

    receiver.isHanging = true;
    const interrupted = await first.order("acme", receiver.url);
    await vi.waitFor(() => expect(receiver.orders).toEqual([order, interrupted]), bounds);
    await first.stop("SIGKILL");
    receiver.isHanging = false;

    await using second = await DevServer.start(directory);
    await second.triggerCron(Date.now() + 2 * minuteMs);
    await vi.waitFor(() => expect(receiver.orders).toEqual([order, interrupted, interrupted]), bounds);
    await second.stop("SIGINT");
  },
);
