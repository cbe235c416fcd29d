import type { Server } from "socket.io";
import type { MadeSession, SessionMaker } from "./session-maker";

/** By way of the adapter, which is told of a session when its client is lost. */
export class PersistedSessions implements SessionMaker {
  private made = 0;

  constructor(private readonly io: Server) {}

  make({ sid, pid, rooms, data }: MadeSession): void {
    this.adapter.persistSession({ sid, pid, rooms, data } as never);
    this.made++;
  }

  lose(): number {
    return this.made;
  }

  /** It does not say when it is done, but asks Redis questions in their order. */
  settled(): Promise<unknown> {
    return this.adapter.serverCount();
  }

  private get adapter() {
    return this.io.of("/").adapter;
  }
}
