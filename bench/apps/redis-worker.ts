/** Workers whose packets travel through Redis. */
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { setupWorker } from "@socket.io/sticky";
import { createClient } from "redis";
import { Server } from "socket.io";
import { serve } from "./handlers";

const { REDIS_URL: url, REDIS_STREAMS: streams } = process.env;
/** With large packets the default of 10,000 would fill the memory. */
const MAX_STREAM_LENGTH = 500;

async function main(): Promise<void> {
  const publisher = createClient({ url });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const io = new Server(createServer());
  if (streams) io.adapter(createStreamsAdapter(publisher, { maxLen: MAX_STREAM_LENGTH }));
  else io.adapter(createAdapter(publisher, subscriber));
  setupWorker(io);
  serve(io);
}

void main();
