/** A worker as users of `@socket.io/pm2` write it. */
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/cluster-adapter";
import { setupWorker } from "@socket.io/sticky";
import { Server } from "socket.io";
import { serve } from "./handlers";

const io = new Server(createServer());
io.adapter(createAdapter());
setupWorker(io);
serve(io);
