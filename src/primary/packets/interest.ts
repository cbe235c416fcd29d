// SPDX-License-Identifier: MIT
import { keyIn, type NamespacedKey, prefixOfScope, type RoomKey } from "../../protocol/room-key";

/**
 * Which workers have a member in which room of which namespace of which scope, as far as packets have to be sent there. Most rooms are
 * a socket's own, with one worker: those take no set of their own.
 */
export class Interest<W extends object> {
  private readonly members = new Map<NamespacedKey, W | Set<W>>();
  /** How many answers to joins are outstanding, by worker and room: until then it counts as a member. */
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

  /** The worker was asked to let sockets join; whether any did is known when it has {@link settle}d. */
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

  /** The workers with a member in any of these rooms. */
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
