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
 * PM2's daemon runs in a domain, to hear of errors that nobody catches; nothing else in the daemon runs outside of it.
 * For that, Node marks each tick, timer and write with the domain and looks it up in each callback: a fifth of the CPU
 * that a relayed packet costs. Here the process tells of such errors, which costs nothing: the first is told, the next
 * one ends the daemon, as with the domain.
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
