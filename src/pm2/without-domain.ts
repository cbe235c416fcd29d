// SPDX-License-Identifier: AGPL-3.0-only
import domain from "node:domain";
import { EventEmitter } from "node:events";

/**
 * Stands in for a domain, as far as PM2's daemon uses it: the first error that nobody catches is emitted as `error`.
 */
class ProcessScope extends EventEmitter {
  run(start: () => void): void {
    process.once("uncaughtException", (error) => this.emit("error", error));
    start();
  }
}

/**
 * Starts PM2's daemon without the domain in which it would run, to hear of errors that nobody catches. In a domain Node
 * marks each tick, timer and write with the domain, and enters it in each callback; that is a fifth of the CPU that a
 * relayed packet costs (benchmark row `relay`). Instead, the process itself tells the daemon of such an error: of the
 * first one, while the next one ends the daemon, as it does with the domain.
 *
 * (Every 30 s PM2 makes one more domain, for the errors of its background tasks. That one is Node's own. From then on
 * Node looks for a domain in each callback, but finds none.)
 *
 * @param start starts the daemon, which creates its domain at once; domains that are created later are Node's own
 */
export function withoutDomain(start: () => void): void {
  const { create } = domain;
  domain.create = () => {
    domain.create = create;
    return new ProcessScope() as unknown as domain.Domain;
  };
  try {
    start();
  } finally {
    domain.create = create;
  }
}
