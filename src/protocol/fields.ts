// SPDX-License-Identifier: MIT

/** What the primary relies on in the messages that travel as JSON: texts, and lists of texts. */
const TEXTS: { [type: string]: readonly string[] } = {
  "adapter-open": ["uid"],
  "adapter-close": ["uid"],
  "session-open": ["nsp", "sid", "pid", "data"],
  "session-rooms": ["nsp", "sid"],
  "session-data": ["nsp", "sid", "data"],
  "session-lost": ["nsp", "sid", "data"],
  "session-over": ["nsp", "sid"],
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

/** Whether a message has the fields without which the primary could not work with it. */
export function isWhole(message: Record<string, unknown>): boolean {
  const type = String(message.type);
  const texts = Object.hasOwn(TEXTS, type) ? TEXTS[type]! : [];
  const lists = Object.hasOwn(LISTS, type) ? LISTS[type]! : [];
  return (
    texts.every((name) => typeof message[name] === "string") && lists.every((name) => isTexts(message[name]))
  );
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
