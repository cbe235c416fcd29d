/** What a generator of `crowd` is told at its start. */
export interface CrowdOptions {
  port: number;
  /** Its clients are numbered from here on. */
  first: number;
  clients: number;
  /** How often each of them asks. */
  askIntervalMs: number;
}

/** The client with number n is in room n % ROOMS, which is also where the news with number n goes. */
export const ROOMS = 10;

/** What it is told later: what it sees counts from now on; it should stop, and report. */
export type CrowdOrder = "begin" | "end";

/** What happened to all clients of a generator since the beginning. */
export interface Tally {
  disconnects: number;
  /** Questions whose answer was lost with the connection, has not come in the end, or has the wrong number. */
  unanswered: number;
  /** News that came twice, or after a later one. */
  disordered: number;
  /** How many clients have heard the news, by its number. */
  heard: number[];
}

export interface CrowdReport extends Tally {
  /** The longest time for which each client has received nothing. */
  silencesMs: number[];
  /** The longest time for which each client has waited for an answer. */
  waitsMs: number[];
}

export type CrowdMessage = "ready" | CrowdReport;
