// SPDX-License-Identifier: MIT

/** What the primary relies on in the messages that travel as JSON: texts, and lists of texts. */
const TEXTS: { [type: string]: readonly string[] } = {
  ready: ["address"],
  claim: ["id"],
  unclaim: ["id"],
  whose: ["id"],
  adopted: ["sid"],
  "adapter-open": ["uid"],
  "adapter-close": ["uid"],
  "session-open": ["nsp", "sid", "pid", "data"],
  "session-rooms": ["nsp", "sid"],
  "session-data": ["nsp", "sid", "data"],
  "session-lost": ["nsp", "sid", "data"],
  "session-over": ["nsp", "sid"],
  surrendered: ["nsp", "sid"],
  restore: ["nsp", "pid", "offset"],
  interest: ["nsp"],
  settled: ["nsp"],
};
const LISTS: { [type: string]: readonly string[] } = {
  "session-open": ["rooms"],
  "session-rooms": ["joined", "left"],
  interest: ["joined", "left"],
  settled: ["rooms"],
};

/** Objects, and the texts in them. */
const OBJECTS: { [type: string]: readonly [name: string, texts: readonly string[]] } = {
  move: ["session", ["sid", "transport"]],
  "is-public": ["address", []],
};

/** Whether a message has the fields without which the primary could not work with it. */
export function isWhole(message: Record<string, unknown>): boolean {
  const type = String(message.type);
  const texts = Object.hasOwn(TEXTS, type) ? TEXTS[type]! : [];
  const lists = Object.hasOwn(LISTS, type) ? LISTS[type]! : [];
  const [object, inner] = Object.hasOwn(OBJECTS, type) ? OBJECTS[type]! : [undefined, []];
  if (object !== undefined && !hasTexts(message[object], inner)) return false;
  return (
    texts.every((name) => typeof message[name] === "string") && lists.every((name) => isTexts(message[name]))
  );
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === "string");
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
