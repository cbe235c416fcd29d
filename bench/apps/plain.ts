/** The same as one process, without PM2. */
import { Server } from "socket.io";
import { serve } from "./handlers";

serve(new Server(Number(process.env.PORT)));
