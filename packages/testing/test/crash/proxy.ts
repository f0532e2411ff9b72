import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line between clients and a server that can fall silent without anybody being told. */
export interface Proxy {
  readonly url: string;
  /** Forward nothing any more in either direction, on what is open and on what will be opened. */
  freeze(): void;
  /** Forward again what is opened from now on, and close what was open. */
  heal(): void;
  /** Resolves when a client was sent so many bytes, and brings it no more until `resume`. */
  pauseAfter(bytes: number): Promise<void>;
  resume(): void;
  close(): Promise<void>;
}

/** Make a proxy to the server of a database's URL. */
export async function openProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const paused = new Set<Socket>();
  let isFrozen = false;
  let pauseAt = Infinity;
  const { promise: reached, resolve: tellReached } = Promise.withResolvers<void>();

  const forward = (from: Socket, to: Socket, limit: () => number) => {
    open.add(from);
    const goOn = () => void (paused.has(from) || from.resume());
    to.on("drain", goOn);
    // A frozen line takes what is sent and brings it nowhere, as a network does whose route is gone.
    from.on("data", (chunk) => {
      if (isFrozen) return;
      const isFull = !to.write(chunk);
      if (from.bytesRead >= limit()) {
        paused.add(from);
        tellReached();
      }
      if (isFull || paused.has(from)) from.pause();
    });
    from.on("error", () => {});
    from.on("close", () => {
      open.delete(from);
      if (!isFrozen) to.destroy();
    });
  };
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    forward(client, upstream, () => Infinity);
    forward(upstream, client, () => pauseAt);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: url.href,
    freeze() {
      isFrozen = true;
    },
    heal() {
      cut();
      isFrozen = false;
    },
    pauseAfter(bytes) {
      pauseAt = bytes;
      return reached;
    },
    resume() {
      pauseAt = Infinity;
      for (const socket of paused) socket.resume();
      paused.clear();
    },
    async close() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
