// SPDX-License-Identifier: MIT
import type { IncomingMessage } from "node:http";
import { createSessionId, seatOfSessionId } from "../../protocol/session-id";
import { QUESTION_TIMEOUT_MS } from "../../protocol/timing";
import type { WorkerLink } from "../link/link";
import type { EngineServer, EngineSocket } from "../socket-io/objects";

type GenerateId = (request: IncomingMessage) => string | Promise<string>;

/**
 * The Engine.IO sessions of this worker: makes ids that name it, claims those it did not make, and counts.
 */
export class Sessions {
  private readonly claims = new Set<string>();
  private readonly engines = new Set<EngineServer>();
  /** Ids that sessions bring with them. */
  private readonly expected = new WeakMap<IncomingMessage, string>();
  count = 0;

  constructor(
    private readonly link: WorkerLink,
    private readonly onChange: () => void,
    private readonly onOpened: (socket: EngineSocket) => void,
  ) {}

  add(engine: EngineServer): void {
    if (this.engines.has(engine)) return;
    this.engines.add(engine);
    this.generateIds(engine);
    engine.on("connection", (socket) => this.track(socket));
  }

  /** Whether the session is live here. */
  has(id: string): boolean {
    return this.find(id) !== undefined;
  }

  find(id: string): EngineSocket | undefined {
    for (const { clients } of this.engines) if (Object.hasOwn(clients, id)) return clients[id];
    return undefined;
  }

  /** The session that this request opens is not a new one: it has an id. */
  expect(request: IncomingMessage, id: string): void {
    this.expected.set(request, id);
  }

  /** The session has moved: its id is not given back. */
  forget(id: string): void {
    this.claims.delete(id);
  }

  /** All live sessions. */
  *all(): Iterable<EngineSocket> {
    for (const engine of this.engines) yield* Object.values(engine.clients);
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

  /** An app may set `generateId` before or after this; its ids are claimed before anybody can use them. */
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

  /** Claims the id; the app may make others than strings, which is what they are in a request. */
  private async claimed(made: string | Promise<string>): Promise<string> {
    const own = await made;
    const id = String(own);
    if (seatOfSessionId(id) === this.link.seat) return own;
    this.claims.add(id);
    await this.link.ask({ type: "claim", id }, QUESTION_TIMEOUT_MS, () => undefined);
    return own;
  }
}
