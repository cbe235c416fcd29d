/**
 * A worker as users of the Redis adapters write it. It listens itself, and without sticky sessions: clients of the rows
 * that compare it use WebSocket only.
 */
import { createAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";
import { serve } from "./handlers";
import { options } from "./options";

const redis = new Redis(Number(process.env.REDIS_PORT));
const io = new Server(Number(process.env.LISTEN_ON), options);
io.adapter(
  process.env.ADAPTER === "redis-streams-adapter"
    ? createStreamsAdapter(redis)
    : createAdapter(redis, redis.duplicate()),
);
serve(io);
