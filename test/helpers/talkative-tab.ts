import type { Page } from "playwright-core";

/** What a tab of `examples/chat` has seen since it began to talk. */
export interface Seen {
  /** Its socket's ids. */
  ids: string[];
  disconnects: string[];
  /** What came, from all tabs. */
  said: string[];
  /** How many messages it has said itself, how many of them were answered, and why others were not. */
  asked: number;
  answered: number;
  unanswered: string[];
}

/** In the page: says a numbered message every few milliseconds, without waiting for the answers to earlier ones. */
const TALK = `
const seen = { ids: [socket.id], disconnects: [], said: [], asked: 0, answered: 0, unanswered: [] };
socket.on("disconnect", (reason) => seen.disconnects.push(reason));
socket.on("connect", () => seen.ids.push(socket.id));
socket.on("said", ({ text }) => seen.said.push(text));
const talking = setInterval(() => {
  const text = name + " " + seen.asked++;
  socket.timeout(30_000).emit("say", text, (error) => error ? seen.unanswered.push(text) : seen.answered++);
}, 50);
globalThis.seen = seen;
globalThis.hush = () => clearInterval(talking);
`;

/** Begins to talk. */
export async function talk(page: Page): Promise<void> {
  await page.evaluate(`(() => { ${TALK} })()`);
}

/** Stops talking, waits until all is answered, and tells what it has seen until then. */
export async function hush(page: Page): Promise<void> {
  await page.evaluate("hush()");
  await page.waitForFunction("seen.answered + seen.unanswered.length === seen.asked");
}

/** Waits until so many messages have come. */
export async function seenBy(page: Page, messages: number): Promise<Seen> {
  await page.waitForFunction(`seen.said.length >= ${messages}`);
  return page.evaluate("seen");
}
