import { DurableObject } from "cloudflare:workers";
import { type Inside, stageOf } from "./stage.ts";

/** An object with whatever inside the test has staged for it. */
export class Host extends DurableObject {
  readonly inside: Inside;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const stage = stageOf(ctx.id);
    this.inside = stage.make(ctx, env, stage);
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    stageOf(this.ctx.id).rings.push(Date.now());
    await this.inside.alarm(info);
  }

  override async fetch(request: Request): Promise<Response> {
    return (await this.inside.fetch?.(request)) ?? new Response(null, { status: 501 });
  }
}

export default {
  fetch: () => new Response(),
};
