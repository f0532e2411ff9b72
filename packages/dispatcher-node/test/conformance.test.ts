import { sqliteAdapter } from "@sherd/sqlite";
import { describeDispatcher } from "@sherd/testing";
import { createDurableHooksDispatcher } from "../src/index.ts";

describeDispatcher({
  name: "the Node dispatcher, over SQLite in memory",
  async create() {
    const adapter = sqliteAdapter(":memory:");
    return {
      adapter,
      start({ processor, backstopMs, onError }) {
        const dispatcher = createDurableHooksDispatcher({ processor, pollIntervalMs: backstopMs, onError });
        dispatcher.startPolling();
        return { stop: (options) => dispatcher.stopPolling(options) };
      },
      close: () => adapter.close(),
    };
  },
});
