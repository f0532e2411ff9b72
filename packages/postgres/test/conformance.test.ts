import { describeAdapter } from "@sherd/testing";
import { createDatabase, drivers, type Opened, openPglite } from "./databases.ts";

for (const [name, open] of Object.entries(drivers)) {
  describeAdapter({
    name,
    async create() {
      const { url, drop } = await createDatabase();
      const opened: Opened[] = [];
      const another = async () => {
        const one = open(url);
        opened.push(one);
        return one.adapter;
      };
      return {
        adapter: await another(),
        another,
        async close() {
          for (const { close } of opened) await close();
          await drop();
        },
      };
    },
  });
}

describeAdapter({
  name: "PGlite",
  create: async () => openPglite(),
});
