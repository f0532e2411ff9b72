import type { SimulatedApp } from "@sherd/testing/simulator";
import { checkFeeds, feedActions } from "./feed-actions.ts";
import { openFeeds } from "./feeds.ts";
import { type Shop, shop } from "./shop.ts";

/** The shop, which reads feeds beside: half of what its users do is about them. */
export const shopWithFeeds: SimulatedApp<Shop> = {
  fragments: (context) => {
    const shops = shop.fragments(context);
    for (const one of shops) feedsOf.set(one, openFeeds(context));
    return shops;
  },
  processors: (_, shops) =>
    shops.flatMap((one) => feedsOf.get(one)?.processor({ write: one.services.keep }) ?? []),
  actions: {
    ...shop.actions,
    ...Object.fromEntries(
      Object.entries(feedActions).map(([name, action]) => [
        name,
        ({ fragments: [one], random }) => withFeeds(one, (feeds) => action(feeds, random)),
      ]),
    ),
  },
  async check(shops, end) {
    const [one] = shops;
    const pages = (await one?.services.pages()) ?? [];
    const ofFeeds = await withFeeds(one, (feeds) => checkFeeds(feeds, pages));
    return [...((await shop.check?.(shops, end)) ?? []), ...(ofFeeds ?? [])];
  },
};

type Feeds = ReturnType<typeof openFeeds>;

/** The feeds of the process that a shop is in. */
const feedsOf = new WeakMap<object, Feeds>();

function withFeeds<T>(one: Shop | undefined, run: (feeds: Feeds) => T): T | undefined {
  const feeds = one === undefined ? undefined : feedsOf.get(one);
  return feeds === undefined ? undefined : run(feeds);
}
