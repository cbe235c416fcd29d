// SPDX-License-Identifier: MIT

/**
 * A room's name as the link carries it. Rooms are strings by type, but apps use numbers as well, and `1` and `"1"` are
 * two rooms: the first letter tells them apart.
 */
export type RoomKey = string & { readonly __brand: "RoomKey" };

/** What all sockets of a namespace are members of, also one that has left its own room. */
export const EVERYBODY = "*" as RoomKey;

/** The key of a room, or `undefined` if the room is neither a string nor a number. */
export function keyOfRoom(room: unknown): RoomKey | undefined {
  if (typeof room === "string") return `s${room}` as RoomKey;
  if (typeof room === "number") return `n${room}` as RoomKey;
  return undefined;
}

export function roomOfKey(key: RoomKey): string | number {
  return key.startsWith("n") ? Number(key.slice(1)) : key.slice(1);
}

/** The keys of all rooms, or `undefined` if one of them has none. */
export function keysOfRooms(rooms: Iterable<unknown>): RoomKey[] | undefined {
  const keys: RoomKey[] = [];
  for (const room of rooms) {
    const key = keyOfRoom(room);
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return keys;
}

/** A name within a namespace of a scope: of a room, or of a session. Two of them are equal only if all parts are. */
export type NamespacedKey = string & { readonly __brand: "NamespacedKey" };

/**
 * The key under which something is kept that belongs to a namespace of a scope. Namespaces and rooms may contain any
 * character, so nothing can stand between the two: the namespace's length in front says where it ends. (With a line break
 * in between, for example, the room "b" of "/a" and a room of the namespace "/a\nb" could share a key.) The numbers in
 * front consist of digits, which end at the first colon.
 */
export function keyIn(scope: number, nsp: string, name: string): NamespacedKey {
  return `${scope}:${nsp.length}:${nsp}${name}` as NamespacedKey;
}

/** What all keys of a scope begin with, and no others. */
export function prefixOfScope(scope: number): string {
  return `${scope}:`;
}
