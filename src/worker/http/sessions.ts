// SPDX-License-Identifier: MIT
import type { IncomingMessage } from "node:http";
import { createSessionId, seatOfSessionId } from "../../protocol/session-id";
import { QUESTION_TIMEOUT_MS } from "../../protocol/timing";
import type { WorkerLink } from "../link/link";
import type { EngineServer, EngineSocket } from "../socket-io/objects";

type GenerateId = (request: IncomingMessage) => string | Promise<string>;

/**
 * The Engine.IO sessions of this worker. Makes session ids that name the worker, so that the primary finds it
 * without a table; tells the primary of ids that the app has made itself ("claims" them); and counts the
 * sessions.
 */
export class Sessions {
  private readonly claims = new Set<string>();
  /** The engines, each with the HTTP server that it is attached to. */
  private readonly engines = new Map<EngineServer, { readonly listener: number | undefined }>();
  /** The requests that replay the handshake of a session which moves here, and the id that it has already. */
  private readonly expected = new WeakMap<IncomingMessage, string>();
  count = 0;

  constructor(
    private readonly link: WorkerLink,
    private readonly onChange: () => void,
    private readonly onOpened: (socket: EngineSocket) => void,
  ) {}

  /** @param server the HTTP server that the engine is attached to */
  add(engine: EngineServer, server: { readonly listener: number | undefined }): void {
    if (this.engines.has(engine)) return;
    this.engines.set(engine, server);
    this.generateIds(engine);
    engine.on("connection", (socket) => this.track(socket));
  }

  /** Whether the session is live here. */
  has(id: string): boolean {
    return this.find(id) !== undefined;
  }

  find(id: string): EngineSocket | undefined {
    for (const { clients } of this.engines.keys()) if (Object.hasOwn(clients, id)) return clients[id];
    return undefined;
  }

  /** The listener to whose address the client of a session is connected, if it is known. */
  listenerOf({ server }: EngineSocket): number | undefined {
    return server && this.engines.get(server)?.listener;
  }

  /** This request will not open a new session, but one that moves here: it keeps the id that it has. */
  expect(request: IncomingMessage, id: string): void {
    this.expected.set(request, id);
  }

  /** The session moves away. Its id stays in use, so it is not unclaimed when it closes here. */
  forget(id: string): void {
    this.claims.delete(id);
  }

  *all(): Iterable<EngineSocket> {
    for (const engine of this.engines.keys()) yield* Object.values(engine.clients);
  }

  private track(socket: EngineSocket): void {
    this.count++;
    this.onChange();
    socket.once("close", () => {
      this.count--;
      const id = String(socket.id);
      if (this.claims.delete(id)) this.link.send({ type: "unclaim", id });
      this.onChange();
    });
    this.onOpened(socket);
  }

  /**
   * Replaces the engine's `generateId`. An app may have set one of its own, or may do so later. Ids of the
   * app's own do not name this worker, so each of them is claimed before it is given to the client.
   */
  private generateIds(engine: EngineServer): void {
    let custom: GenerateId | undefined = Object.hasOwn(engine, "generateId") ? engine.generateId : undefined;
    const byDefault = engine.generateId;
    const generate: GenerateId = (request) => {
      const expected = this.expected.get(request);
      if (expected !== undefined) {
        this.claims.add(expected);
        return expected;
      }
      if (custom) return this.claimed(custom.call(engine, request));
      return this.link.seat === undefined
        ? this.claimed(byDefault.call(engine, request))
        : createSessionId(this.link.seat);
    };
    Object.defineProperty(engine, "generateId", {
      configurable: true,
      enumerable: true,
      get: () => generate,
      set: (value: GenerateId) => {
        custom = value;
      },
    });
  }

  /**
   * Waits until the primary knows that the id is this worker's, and returns it. An app may make ids that are
   * no strings; in the requests of the client they are strings.
   */
  private async claimed(made: string | Promise<string>): Promise<string> {
    const own = await made;
    const id = String(own);
    if (seatOfSessionId(id) === this.link.seat) return own;
    this.claims.add(id);
    await this.link.ask({ type: "claim", id }, QUESTION_TIMEOUT_MS, () => undefined);
    return own;
  }
}
