/**
 * A worker as users of `@socket.io/pm2` write it. `@socket.io/cluster-adapter` has no recovery: there a client that comes
 * back is a new one.
 */
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/cluster-adapter";
import { setupWorker } from "@socket.io/sticky";
import { Server } from "socket.io";
import { serve } from "./handlers";
import { options } from "./options";

const io = new Server(createServer(), options);
io.adapter(createAdapter());
setupWorker(io);
serve(io);
