// SPDX-License-Identifier: MIT
import type { Clock } from "../../clock";
import type { CastTarget, Publish, ToPrimary } from "../../protocol/messages";
import { EVERYBODY } from "../../protocol/room-key";
import { Recovery, type RecoveryLimits } from "../recovery/recovery";
import type { OfficialMessage } from "../workers/official-worker";
import type { WorkerHandle } from "../workers/worker-handle";
import { Interest } from "./interest";
import { TurnQueue } from "./turn-queue";

interface Frame {
  from: WorkerHandle;
  message: ToPrimary;
  bytes: Buffer;
  time: number;
}

/**
 * Passes adapter messages between the workers of one app. Payloads are never decoded: a frame leaves as the bytes it
 * came in.
 *
 * Frames are routed one turn of the event loop after they were read, see {@link TurnQueue}, and interest counts as soon
 * as it is read. So once a client was told that it has joined a room, any later broadcast reaches it: the interest was
 * in the kernel's buffer of its worker's link before the client was told.
 */
export class Relay {
  /** Which worker an adapter lives on. */
  private readonly adapters = new Map<string, WorkerHandle>();
  private readonly interest = new Interest<WorkerHandle>();
  readonly recovery: Recovery<WorkerHandle>;
  private readonly lastTimes = new WeakMap<WorkerHandle, number>();
  private readonly queue = new TurnQueue<Frame>();
  private turnEnds = false;

  constructor(
    private readonly workers: ReadonlySet<WorkerHandle>,
    private readonly clock: Clock,
    limits: RecoveryLimits,
  ) {
    const onRevived: ConstructorParameters<typeof Recovery<WorkerHandle>>[1] = (worker, { nsp, rooms }) => {
      for (const room of [EVERYBODY, ...rooms.keys()]) this.interest.expect(worker, nsp, room);
    };
    this.recovery = new Recovery(limits, onRevived, clock);
  }

  handle(from: WorkerHandle, message: ToPrimary, bytes: Buffer): void {
    switch (message.type) {
      case "interest":
        for (const room of message.joined) this.interest.join(from, message.nsp, room);
        for (const room of message.left) this.interest.leave(from, message.nsp, room);
        break;
      case "settled":
        for (const room of message.rooms) this.interest.settle(from, message.nsp, room);
        break;
      case "adapter-open":
        this.adapters.set(message.uid, from);
        if (message.recoverableMs !== undefined)
          this.recovery.enable(message.uid, message.recoverableMs, message.pongMs ?? 0);
        break;
      case "adapter-close":
        this.forgetAdapter(message.uid);
        break;
      default:
        this.endTurnLater();
        this.queue.push({ from, message, bytes, time: this.timeOf(from, message) });
    }
  }

  /** The others need not wait for answers of a worker that is gone. */
  left(gone: WorkerHandle): void {
    // What it sent before it died comes first.
    for (const frame of this.queue.takeAll()) this.route(frame);
    this.interest.forget(gone);
    this.recovery.left(gone);
    const uids = [...this.adapters].filter(([, worker]) => worker === gone).map(([uid]) => uid);
    if (uids.length === 0) return;
    for (const uid of uids) this.forgetAdapter(uid);
    for (const worker of this.workers) if (worker !== gone) worker.send({ type: "gone", uids });
  }

  private forgetAdapter(uid: string): void {
    this.adapters.delete(uid);
    this.recovery.disable(uid);
  }

  /** When a frame was emitted, as far as it says so; never before an earlier frame of the same worker. */
  private timeOf(from: WorkerHandle, message: ToPrimary): number {
    const said = message.type === "cast" ? message.time : "at" in message ? message.at : undefined;
    const last = this.lastTimes.get(from) ?? 0;
    if (said === undefined || said <= last) return last;
    this.lastTimes.set(from, said);
    return said;
  }

  /** Once in a turn: two ends of one turn would cut the next one short. */
  private endTurnLater(): void {
    if (this.turnEnds) return;
    this.turnEnds = true;
    this.clock.nextTurn(this.routeDue);
  }

  private readonly routeDue = () => {
    this.turnEnds = false;
    const due = this.queue.take();
    if (!this.queue.isEmpty) this.endTurnLater();
    for (const frame of due) this.route(frame);
  };

  private route({ from, message, bytes }: Frame): void {
    if (message.type === "respond") {
      this.adapters.get(message.uid)?.channel.relay(bytes, false);
    } else if (message.type === "cast") {
      // What is kept is delivered in the primary's order everywhere, so its emitter waits for its place.
      if (message.time !== undefined) from.send({ type: "kept", order: this.recovery.keep(message, bytes) });
      for (const worker of this.membersOf(message.target)) {
        if (worker !== from) worker.channel.relay(bytes, message.volatile);
      }
    } else if (message.type === "publish" && message.asks) {
      this.ask(from, message.asks, bytes);
    } else if (message.type === "publish") {
      for (const worker of this.workers) {
        if (worker === from) continue;
        for (const room of message.joins?.rooms ?? []) this.interest.expect(worker, message.joins!.nsp, room);
        worker.channel.relay(bytes, false);
      }
    } else {
      this.recovery.handle(from, message);
    }
  }

  private ask(from: WorkerHandle, { request, ...target }: NonNullable<Publish["asks"]>, bytes: Buffer): void {
    const asked = new Set(this.membersOf(target));
    for (const worker of asked) if (worker !== from) worker.channel.relay(bytes, false);
    const unasked = [...this.adapters].filter(([, worker]) => worker !== from && !asked.has(worker));
    if (unasked.length > 0) from.send({ type: "unasked", request, uids: unasked.map(([uid]) => uid) });
  }

  private membersOf({ nsp, rooms }: Pick<CastTarget, "nsp" | "rooms">): Iterable<WorkerHandle> {
    return this.interest.in(nsp, rooms.length > 0 ? rooms : [EVERYBODY]);
  }

  /** The same for workers that speak the official adapter's protocol, among themselves. */
  handleOfficial(from: WorkerHandle, message: OfficialMessage): void {
    if (!("source" in message)) return;
    from.official?.learn(message.uid);
    const { requesterUid } = message;
    for (const worker of this.workers) {
      if (worker === from) continue;
      if (requesterUid === undefined || worker.official?.has(requesterUid)) worker.official?.relay(message);
    }
  }
}
