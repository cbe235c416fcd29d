// Compiled, never run, against each release of Socket.IO: what a user writes type-checks under strict TypeScript.
import { createServer } from "node:http";
import {
  type AdapterOptions,
  createAdapter,
  NodeClusterAdapter,
  setupPrimary,
} from "pm2-socket.io/cluster-adapter";
import {
  type StickyPrimaryOptions,
  setupMaster,
  setupPrimary as setupSticky,
  setupWorker,
} from "pm2-socket.io/sticky";
import { Server } from "socket.io";

interface ClientEvents {
  hello: (name: string, answer: (text: string) => void) => void;
}
interface ServerEvents {
  welcome: (at: Date) => void;
}
interface BetweenServers {
  note: (text: string) => void;
}

const httpServer = createServer();
const options: AdapterOptions = { heartbeatInterval: 1000, heartbeatTimeout: 2000, requestsTimeout: 5000 };

const io = new Server(httpServer, { adapter: createAdapter(options) });
io.adapter(createAdapter());
setupWorker(io);

const typed = new Server<ClientEvents, ServerEvents, BetweenServers, { name: string }>(httpServer);
typed.adapter(createAdapter(options));
typed.of("/other").serverSideEmit("note", "text");
setupWorker(typed);

const method: StickyPrimaryOptions["loadBalancingMethod"] = "round-robin";
setupSticky(httpServer, { loadBalancingMethod: method });
setupMaster(httpServer);
setupPrimary();

export const adapterClass: typeof NodeClusterAdapter = NodeClusterAdapter;
// @ts-expect-error there is no such method
setupSticky(httpServer, { loadBalancingMethod: "best" });
// @ts-expect-error durations are numbers
createAdapter({ heartbeatInterval: "1s" });
