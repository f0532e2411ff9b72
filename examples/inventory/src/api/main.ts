/** The API in a process of its own. `npm run api`, then `INVENTORY_API=http://127.0.0.1:4000 npm run sync` */
import { ApiServer } from "./server.ts";

const server = new ApiServer();
console.log(`Listening on ${await server.listen(4000)}`);
