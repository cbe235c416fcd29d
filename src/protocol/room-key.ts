// SPDX-License-Identifier: MIT

/**
 * A room's name as the link carries it. Socket.IO's types say that rooms are strings, but apps use numbers as well, and
 * `1` and `"1"` are two different rooms. The first letter of the key, "n" or "s", tells them apart.
 */
export type RoomKey = string & { readonly __brand: "RoomKey" };

/**
 * The room that stands for a namespace as a whole: all its sockets are members, even one that has left its own room.
 */
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

/**
 * The name of a room or session together with its scope and namespace. Two keys are equal only if all three parts are.
 */
export type NamespacedKey = string & { readonly __brand: "NamespacedKey" };

/**
 * The key under which something is kept that belongs to a namespace of a scope. A namespace and a name may contain any
 * character, so no character can separate the two: with a line break between them, for example, the room "b\nc" of "/a"
 * and the room "c" of "/a\nb" would share a key. Therefore the length of the namespace stands in front and says where
 * the namespace ends. The numbers in front consist of digits, so that a colon can separate them.
 */
export function keyIn(scope: number, nsp: string, name: string): NamespacedKey {
  return `${scope}:${nsp.length}:${nsp}${name}` as NamespacedKey;
}

/** What all keys of this scope begin with, and no key of another scope. */
export function prefixOfScope(scope: number): string {
  return `${scope}:`;
}
