import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  /** What it got, in order. */
  readonly requests: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
}

/** A customer's endpoint that gives these answers, one a request, and then 200. */
export async function openEndpoint(
  ...answers: readonly (readonly [status: number, headers?: Record<string, string>])[]
): Promise<Endpoint> {
  const requests: Endpoint["requests"] = [];
  const server = createServer(async (request, response) => {
    requests.push({ headers: request.headers, body: await text(request) });
    const [status, headers] = answers[requests.length - 1] ?? [200];
    response.writeHead(status, headers).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
