/** A session as if a client had had it: its ids are made of its number. */
export interface MadeSession {
  sid: string;
  pid: string;
  rooms: string[];
  data: { user: string; language: string };
}

/** Where sessions are put that have no client, without which a hundred thousand of them fit on any machine. */
export interface SessionMaker {
  /** Puts it where it can be restored from, or will be once it is lost. */
  make(session: MadeSession): void;
  /** All that were made here have lost their clients; returns how many. */
  lose(): number;
  /** Resolves when all that was said so far has been taken in. */
  settled(): Promise<unknown>;
}
