// SPDX-License-Identifier: MIT
import { keyIn, type NamespacedKey, prefixOfScope, type RoomKey } from "../../protocol/room-key";

/**
 * Which workers have a member in which room of which namespace of which scope, so that a packet for a room is sent to
 * these workers only (benchmark row `rooms`). Most rooms are a socket's own and have members in one worker; to save
 * memory, the map holds that worker itself, and a set only for a room with several workers.
 */
export class Interest<W extends object> {
  private readonly members = new Map<NamespacedKey, W | Set<W>>();
  /**
   * How many joins a worker was asked for in a room and has not settled yet. As long as there are any, the worker is
   * taken for one with a member in that room.
   */
  private readonly expected = new Map<W, Map<NamespacedKey, number>>();

  join(worker: W, scope: number, nsp: string, room: RoomKey): void {
    const key = keyIn(scope, nsp, room);
    const current = this.members.get(key);
    if (current === undefined) this.members.set(key, worker);
    else if (current instanceof Set) current.add(worker);
    else if (current !== worker) this.members.set(key, new Set([current, worker]));
  }

  leave(worker: W, scope: number, nsp: string, room: RoomKey): void {
    this.remove(keyIn(scope, nsp, room), worker);
  }

  /**
   * The worker was asked to make sockets join a room. Whether any did is known when the worker has
   * settled that, see `settle`.
   */
  expect(worker: W, scope: number, nsp: string, room: RoomKey): void {
    const rooms = this.expected.get(worker) ?? new Map<NamespacedKey, number>();
    this.expected.set(worker, rooms);
    const key = keyIn(scope, nsp, room);
    rooms.set(key, (rooms.get(key) ?? 0) + 1);
  }

  settle(worker: W, scope: number, nsp: string, room: RoomKey): void {
    const rooms = this.expected.get(worker);
    const key = keyIn(scope, nsp, room);
    const count = rooms?.get(key);
    if (!rooms || count === undefined) return;
    if (count > 1) rooms.set(key, count - 1);
    else rooms.delete(key);
    if (rooms.size === 0) this.expected.delete(worker);
  }

  /** The workers that have a member in any of these rooms, or may have one. */
  in(scope: number, nsp: string, rooms: readonly RoomKey[]): Iterable<W> {
    if (rooms.length === 1 && this.expected.size === 0) {
      const current = this.members.get(keyIn(scope, nsp, rooms[0]!));
      return current instanceof Set ? current : current ? [current] : [];
    }
    const workers = new Set<W>();
    for (const room of rooms) {
      const key = keyIn(scope, nsp, room);
      const current = this.members.get(key);
      if (current instanceof Set) for (const worker of current) workers.add(worker);
      else if (current) workers.add(current);
      for (const [worker, expected] of this.expected) if (expected.has(key)) workers.add(worker);
    }
    return workers;
  }

  /** The worker is gone. */
  forget(worker: W): void {
    this.expected.delete(worker);
    for (const key of [...this.members.keys()]) this.remove(key, worker);
  }

  /** The worker has no server of this scope any more. */
  forgetScope(worker: W, scope: number): void {
    const prefix = prefixOfScope(scope);
    const expected = this.expected.get(worker);
    for (const key of [...(expected?.keys() ?? [])]) if (key.startsWith(prefix)) expected!.delete(key);
    if (expected?.size === 0) this.expected.delete(worker);
    for (const key of [...this.members.keys()]) if (key.startsWith(prefix)) this.remove(key, worker);
  }

  /** How many rooms have a member. */
  get size(): number {
    return this.members.size;
  }

  private remove(key: NamespacedKey, worker: W): void {
    const current = this.members.get(key);
    if (current === worker) this.members.delete(key);
    else if (current instanceof Set) {
      current.delete(worker);
      if (current.size === 1) for (const last of current) this.members.set(key, last);
    }
  }
}
