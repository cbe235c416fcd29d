/** The same as one process, without PM2. */
import { Server } from "socket.io";
import { serve } from "./handlers";
import { options } from "./options";

serve(new Server(Number(process.env.LISTEN_ON), options));
