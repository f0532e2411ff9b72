import type { DurableHooksProcessor, WakeListener } from "@sherd/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createDurableHooksDispatcher, type DispatcherOptions } from "./dispatcher.ts";

/** A processor made by hand, that notes how it is used. */
class NotingProcessor implements DurableHooksProcessor {
  readonly namespace: string = "noted";
  readonly concurrency = 2;
  running = 0;
  get free() {
    return this.concurrency - this.running;
  }
  readonly calls: string[] = [];
  listener: WakeListener | null = null;
  look: () => Promise<void> = async () => {};
  nextWakeInMs: () => number | null = () => null;

  async wake({ sweep = true } = {}) {
    this.calls.push(sweep ? "sweep" : "wake");
    await this.look();
    return 0;
  }
  async getNextWakeInMs() {
    return this.nextWakeInMs();
  }
  async getNextWakeAt() {
    return null;
  }
  async processDue() {
    return { completed: 0, failed: 0, givenBack: 0, other: 0, nextWakeAt: null };
  }
  async recover() {
    return [];
  }
  async prune() {}
  async idle() {}
  async subscribe(listener: WakeListener) {
    this.calls.push("subscribe");
    this.listener = listener;
    return async () => void this.calls.push("unsubscribe");
  }
  async stop({ deadlineMs = -1 } = {}) {
    this.calls.push(`stop ${deadlineMs}`);
  }
  get looks(): number {
    return this.calls.filter((call) => call === "sweep" || call === "wake").length;
  }
}

function open(options: Partial<DispatcherOptions> = {}) {
  const processor = new NotingProcessor();
  const errors: unknown[] = [];
  const dispatcher = createDurableHooksDispatcher({
    processor,
    pollIntervalMs: 1_000,
    onError: (error, { namespace }) => errors.push([namespace, error]),
    ...options,
  });
  return { processor, dispatcher, errors };
}

const moment = () => vi.advanceTimersByTimeAsync(0);

describe("a dispatcher", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("does nothing before it is started, whoever wakes it", async () => {
    const { processor, dispatcher } = open();
    dispatcher.wake();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(processor.calls).toEqual([]);
  });

  it("looks at once when it is started, and starting it twice starts it once", async () => {
    const { processor, dispatcher } = open();
    dispatcher.startPolling();
    dispatcher.startPolling();
    await moment();
    expect(processor.calls).toEqual(["subscribe", "sweep"]);
    await dispatcher.stopPolling();
  });

  it("makes one more look of however many wake-ups come during one", async () => {
    const { processor, dispatcher } = open();
    const look = Promise.withResolvers<void>();
    processor.look = () => look.promise;
    dispatcher.startPolling();
    await moment();
    for (let wake = 0; wake < 50; wake++) processor.listener?.onWake();
    dispatcher.wake();
    await moment();
    expect(processor.looks).toBe(1);
    processor.look = async () => {};
    look.resolve();
    await moment();
    expect(processor.looks).toBe(2);
    await dispatcher.stopPolling();
  });

  it("looks without a sweep for a wake-up, and with one when any of those that coalesce asks for it", async () => {
    const { processor, dispatcher } = open();
    dispatcher.startPolling();
    await moment();
    processor.listener?.onWake();
    await moment();
    const look = Promise.withResolvers<void>();
    processor.look = () => look.promise;
    processor.listener?.onWake();
    await moment();
    dispatcher.wake();
    processor.listener?.onWake();
    processor.look = async () => {};
    look.resolve();
    await moment();
    expect(processor.calls).toEqual(["subscribe", "sweep", "wake", "wake", "sweep"]);
    await dispatcher.stopPolling();
  });

  it("polls every interval, give or take a tenth, while nothing happens", async () => {
    const { processor, dispatcher } = open({ pollIntervalMs: 1_000 });
    dispatcher.startPolling();
    await moment();
    await vi.advanceTimersByTimeAsync(890);
    expect(processor.looks).toBe(1);
    await vi.advanceTimersByTimeAsync(210);
    expect(processor.looks).toBe(2);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(processor.looks).toBeGreaterThanOrEqual(12);
    expect(processor.looks).toBeLessThanOrEqual(15);
    await dispatcher.stopPolling();
  });

  it("looks when the next thing is due, if that is before the poll", async () => {
    const { processor, dispatcher } = open({ pollIntervalMs: 60_000 });
    let dueInMs: number | null = 300;
    processor.nextWakeInMs = () => dueInMs;
    dispatcher.startPolling();
    await moment();
    dueInMs = null;
    await vi.advanceTimersByTimeAsync(299);
    expect(processor.looks).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(processor.looks).toBe(2);
    processor.listener?.onDueIn(5_000);
    processor.listener?.onDueIn(200);
    processor.listener?.onDueIn(9_000);
    await vi.advanceTimersByTimeAsync(200);
    expect(processor.looks).toBe(3);
    await dispatcher.stopPolling();
  });

  it("does not spin when something is said to be due that no look finds", async () => {
    const { processor, dispatcher } = open({ pollIntervalMs: 60_000 });
    processor.nextWakeInMs = () => 0;
    dispatcher.startPolling();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(processor.looks).toBeLessThan(12);
    await dispatcher.stopPolling();
  });

  it("waits for a processor whose slots are full, without asking what is due", async () => {
    const { processor, dispatcher } = open({ pollIntervalMs: 60_000 });
    processor.running = processor.concurrency;
    processor.nextWakeInMs = () => {
      throw new Error("nobody is to ask");
    };
    dispatcher.startPolling();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(processor.looks).toBe(1);
    await dispatcher.stopPolling();
  });

  it("tells onError of a failed look, pauses longer each time, and recovers by itself", async () => {
    const { processor, dispatcher, errors } = open({ pollIntervalMs: 10_000 });
    const failure = new Error("the database is down");
    const looksAt: number[] = [];
    const startedAt = Date.now();
    processor.look = async () => {
      looksAt.push(Date.now() - startedAt);
      throw failure;
    };
    dispatcher.startPolling();
    await vi.advanceTimersByTimeAsync(30_000);
    const pauses = looksAt.slice(1).map((at, index) => at - (looksAt[index] ?? 0));
    expect(pauses[0]).toBeGreaterThanOrEqual(50);
    expect(pauses.slice(0, 5)).toEqual(pauses.slice(0, 5).toSorted((a, b) => a - b));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(11_000);
    expect(looksAt.length).toBeLessThan(15);
    expect(errors).toEqual(looksAt.map(() => ["noted", failure]));
    processor.look = async () => {};
    await vi.advanceTimersByTimeAsync(11_000);
    const recovered = processor.looks;
    await vi.advanceTimersByTimeAsync(100);
    expect(recovered).toBeGreaterThan(looksAt.length);
    expect(processor.looks).toBe(recovered);
    await dispatcher.stopPolling();
  });

  it("goes on when the wake-ups cannot be subscribed to, and passes on what their connection meets", async () => {
    const { processor, dispatcher, errors } = open({ pollIntervalMs: 1_000 });
    const refused = new Error("no LISTEN here");
    processor.subscribe = () => Promise.reject(refused);
    dispatcher.startPolling();
    await vi.advanceTimersByTimeAsync(1_200);
    expect(errors).toEqual([["noted", refused]]);
    expect(processor.looks).toBeGreaterThanOrEqual(2);
    await dispatcher.stopPolling();

    const other = open();
    other.dispatcher.startPolling();
    await moment();
    other.processor.listener?.onError(refused);
    expect(other.errors).toEqual([["noted", refused]]);
    await other.dispatcher.stopPolling();
  });

  it("survives an onError that throws", async () => {
    const { processor, dispatcher } = open({
      onError() {
        throw new Error("the logger broke");
      },
    });
    processor.look = () => Promise.reject(new Error("down"));
    dispatcher.startPolling();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(processor.looks).toBeGreaterThan(3);
    await dispatcher.stopPolling();
  });

  it("stops once: the processor first, then the wake-ups; later calls share it, and it cannot be started again", async () => {
    const { processor, dispatcher } = open();
    dispatcher.startPolling();
    await moment();
    await Promise.all([dispatcher.stopPolling({ deadlineMs: 7 }), dispatcher.stopPolling()]);
    await dispatcher.stopPolling();
    dispatcher.startPolling();
    dispatcher.wake();
    processor.listener?.onWake();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(processor.calls).toEqual(["subscribe", "sweep", "stop 7", "unsubscribe"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("stopPolling resolves and lets go of the wake-ups although a look never ends and the processor cannot stop", async () => {
    const { processor, dispatcher, errors } = open();
    const failure = new Error("it cannot be settled");
    processor.look = () => new Promise(() => {});
    processor.stop = () => Promise.reject(failure);
    dispatcher.startPolling();
    await moment();
    await dispatcher.stopPolling();
    expect(errors).toEqual([["noted", failure]]);
    expect(processor.calls).toContain("unsubscribe");
  });

  it("a dispatcher that was never started stops its processors all the same", async () => {
    const { processor, dispatcher } = open();
    await dispatcher.stopPolling();
    expect(processor.calls).toEqual(["stop 30000"]);
  });

  it("has a loop for each processor: one that hangs holds up no other", async () => {
    const [hung, calm] = [new NotingProcessor(), new NotingProcessor()];
    hung.look = () => new Promise(() => {});
    const dispatcher = createDurableHooksDispatcher({
      processor: hung,
      processors: [calm],
      pollIntervalMs: 100,
    });
    dispatcher.startPolling();
    await vi.advanceTimersByTimeAsync(1_200);
    expect(hung.looks).toBe(1);
    expect(calm.looks).toBeGreaterThan(8);
    await dispatcher.stopPolling();
    expect([hung, calm].map(({ calls }) => calls.filter((call) => call === "stop 30000").length)).toEqual([
      1, 1,
    ]);
  });
});

describe("the options of a dispatcher", () => {
  const processor = new NotingProcessor();

  it.each<readonly [string, object]>([
    ["processor", {}],
    ["processor", { processor: null }],
    ["processor", { processors: [] }],
    ["processor", { processor: {} }],
    ["pollIntervalMs", { processor, pollIntervalMs: 9 }],
    ["pollIntervalMs", { processor, pollIntervalMs: Number.NaN }],
    ["pollIntervalMs", { processor, pollIntervalMs: 86_400_001 }],
    ["pollIntervalMs", { processor, pollIntervalMs: "5000" }],
    ["dispatcher.pollIntervallMs", { processor, pollIntervallMs: 5_000 }],
    ["onError", { processor, onError: "console" }],
  ])("%s: what does not fit is INVALID_OPTION: %#", (option, options) => {
    expect(() => createDurableHooksDispatcher(options as DispatcherOptions)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });

  it("what is no processor is told who makes one", () => {
    const makers = /createDurableHooksProcessor.*runSubjects/;
    expect(() => createDurableHooksDispatcher({ processor: {} as never })).toThrow(makers);
  });
});
