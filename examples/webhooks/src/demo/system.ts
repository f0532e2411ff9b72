import { openWebhooks, type Webhooks } from "../app.ts";
import { readSettings } from "../settings.ts";
import { type Started, start, stopAll } from "./children.ts";
import { openDemoDatabase } from "./database.ts";
import { Receiver } from "./receiver.ts";

/** Everything that plays a part: the receiver here, the server and the worker as processes of their own. */
export interface System {
  readonly databaseName: string;
  /** The same fragment, to read from the database what it holds. */
  readonly fragment: Webhooks;
  readonly receiver: Receiver;
  readonly receiverUrl: string;
  readonly serverUrl: string;
  startWorker(): Promise<Started>;
  /** Let the server and the worker drain, by SIGTERM: true when they did. */
  stop(): Promise<boolean>;
  close(): Promise<void>;
}

/** Shorter than in production, so that what takes minutes there is over in seconds. */
const shortened = {
  HOST: "127.0.0.1",
  PORT: "0",
  WORKER: "separate",
  WEBHOOK_SECRET: crypto.randomUUID(),
  WEBHOOK_TIMEOUT_MS: "500",
  WEBHOOK_RETRY_MS: "200",
  LEASE_MS: "2000",
};

export async function openSystem(): Promise<System> {
  const database = await openDemoDatabase();
  const env = { ...shortened, ...database.env };
  const fragment = openWebhooks(readSettings({ ...process.env, ...env }));
  const receiver = new Receiver(env.WEBHOOK_SECRET);
  const close = async () => {
    await stopAll();
    receiver.close();
    await fragment.databaseAdapter.close();
    await database.remove();
  };
  try {
    const receiverUrl = await receiver.listen();
    const server = await start("server", env);
    return {
      databaseName: database.name,
      fragment,
      receiver,
      receiverUrl,
      serverUrl: `http://127.0.0.1:${server.port}`,
      startWorker: () => start("worker", env),
      stop: stopAll,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
