// SPDX-License-Identifier: MIT
import type { Server as HttpServer } from "node:http";
import type { Socket } from "node:net";
import { hasOpenAnswer } from "../node-internals";
import { giveUpSession } from "./give-up";
import type { WorkerLink } from "./link";
import type { Router } from "./router";
import { type EioSocket, socketsOf } from "./session-internals";
import type { Sessions } from "./sessions";

/** How many sessions are moved at the same time. */
const AT_ONCE = 64;

/**
 * Giving up what a worker has, without a client losing a request: connections between two requests go back to the
 * primary, open requests are answered, sessions are closed so that their clients come back at once.
 *
 *     idle ──start()──▶ running ──no session, no connection──▶ done ("drained")
 */
export class Drain {
  private leaving = 0;
  private state: "idle" | "running" | "done" = "idle";

  constructor(
    private readonly httpServer: HttpServer,
    private readonly link: WorkerLink,
    private readonly sessions: Sessions,
    private readonly connections: Set<Socket>,
    private readonly router: Router,
  ) {}

  get running(): boolean {
    return this.state === "running";
  }

  get done(): boolean {
    return this.state === "done";
  }

  start(): void {
    if (this.state !== "idle") return;
    this.state = "running";
    this.router.draining = true;
    void this.giveUpSessions();
    this.check();
  }

  /** Live sessions go to other workers where they can; the others are closed. */
  private async giveUpSessions(): Promise<void> {
    const waiting = [...this.sessions.all()] as unknown as EioSocket[];
    const one = async () => {
      for (let conn = waiting.pop(); conn; conn = waiting.pop()) {
        if (!(await this.giveUp(conn))) conn.close();
        this.check();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    // Those that came meanwhile.
    this.sessions.closeAll();
  }

  private async giveUp(conn: EioSocket): Promise<boolean> {
    if (!this.router.hasReadyPeer) return false;
    const moved = await giveUpSession(conn, socketsOf(conn), this.link, this.router).catch(() => undefined);
    if (moved?.socket) {
      const { sid, socket } = moved;
      this.letGo(socket, (sent) => this.link.moveSocket(sid, socket, sent));
    }
    return moved !== undefined;
  }

  /** Goes on with the drain after something has ended. */
  check(): void {
    if (this.state !== "running") return;
    this.giveBackIdle();
    if (this.sessions.count > 0 || this.connections.size > 0 || this.leaving > 0) return;
    this.state = "done";
    this.link.send({ type: "drained" });
  }

  /**
   * Gives back the connections on which no request is under way. Node's parser alone knows which these are, and
   * `closeIdleConnections` tells: it destroys them, which here means giving them back.
   */
  giveBackIdle(): void {
    if (!process.connected) return;
    const idle: Socket[] = [];
    for (const socket of this.connections) {
      socket.destroy = () => {
        idle.push(socket);
        return socket;
      };
    }
    this.httpServer.closeIdleConnections();
    for (const socket of this.connections) Reflect.deleteProperty(socket, "destroy");
    for (const socket of idle) {
      if (hasOpenAnswer(socket)) continue; // its end comes back here
      // A listener for data makes the HTTP parser let go of the handle, so that the socket can be sent.
      socket.on("data", () => {});
      this.letGo(socket, (sent) => this.link.giveBack(socket, Buffer.alloc(0), sent));
    }
  }

  /** The connection is not ours any more; the drain is not done before it has left the process. */
  private letGo(socket: Socket, send: (sent: () => void) => void): void {
    this.connections.delete(socket);
    this.leaving++;
    send(() => {
      this.leaving--;
      this.check();
    });
  }
}
