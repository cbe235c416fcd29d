/** The same with recovery. `@socket.io/cluster-adapter` has none: there a client that comes back is a new one. */
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/cluster-adapter";
import { setupWorker } from "@socket.io/sticky";
import { Server } from "socket.io";
import { serve } from "./handlers";

const io = new Server(createServer(), { connectionStateRecovery: {} });
io.adapter(createAdapter());
setupWorker(io);
serve(io);
