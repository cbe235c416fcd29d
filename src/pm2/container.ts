// SPDX-License-Identifier: AGPL-3.0-only
/**
 * The main file of every process in cluster mode. It begins to watch what the app loads, and then runs PM2's own
 * container, which runs the app. For an app that loads nothing that concerns us, everything is as in PM2's container.
 */
import { isSticky } from "../config";
import { runAsMain } from "../node-internals";
import { autoload } from "../worker/bind/autoload";
import { requirePm2 } from "./internals";

const { sticky, sticky_goes_on } = JSON.parse(process.env.pm2_env ?? "{}");
autoload(isSticky(sticky) || sticky_goes_on === true);
runAsMain(requirePm2.resolve("./lib/ProcessContainer.js"));
