import type { DurableHooksDurableObject } from "./dispatcher.ts";

type Operations = Required<Pick<DurableHooksDurableObject, "drain" | "notify" | "status">>;

/** Answer what a Worker asks of an object over requests, by the last part of the path, as JSON. */
export async function answerRequest(
  request: Request,
  { drain, notify, status }: Operations,
): Promise<Response> {
  const operation = new URL(request.url).pathname.split("/").at(-1);
  switch (`${request.method} ${operation}`) {
    case "POST drain":
      return Response.json(await drain());
    case "POST notify":
      await notify();
      return new Response(null, { status: 204 });
    case "GET status":
      return Response.json(await status());
    default:
      return new Response("Sherd answers POST drain, POST notify and GET status.\n", { status: 404 });
  }
}
