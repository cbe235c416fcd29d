// SPDX-License-Identifier: AGPL-3.0-only
import domain from "node:domain";
import { EventEmitter } from "node:events";

/** What PM2 uses of a domain, for the whole process. */
class ProcessScope extends EventEmitter {
  run(start: () => void): void {
    process.once("uncaughtException", (error) => this.emit("error", error));
    start();
  }
}

/**
 * PM2's daemon runs in a domain, to hear of errors that nobody catches. For that, Node marks each tick, timer and write
 * with the domain and enters it in each callback: a fifth of the CPU that a relayed packet costs. Here the process tells
 * of such errors: the first is told, the next one ends the daemon, as with the domain. (PM2 makes one more domain each 30 s
 * for its background tasks, and means its errors to go there. From then on Node looks for a domain in each callback,
 * but finds none.)
 *
 * @param start starts the daemon, which creates its domain at once; domains that are created later are Node's
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
