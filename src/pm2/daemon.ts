// SPDX-License-Identifier: AGPL-3.0-only
/** The daemon's main file. It changes God, and then starts PM2's daemon as PM2's own main file does. */
import { applyGodSeams } from "./god-seams";
import { PM2_VERSION, requirePm2 } from "./internals";
import { withoutDomain } from "./without-domain";

process.title = process.env.PM2_DAEMON_TITLE || `PM2 v${PM2_VERSION}: God Daemon (${process.env.PM2_HOME})`;
applyGodSeams();
const Daemon = requirePm2("./lib/Daemon.js");
withoutDomain(() => new Daemon().start());
