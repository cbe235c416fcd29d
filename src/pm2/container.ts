// SPDX-License-Identifier: AGPL-3.0-only
/**
 * The main file of every process in cluster mode: PM2's own container, with our packages bound to what the app loads. An
 * app that loads nothing of ours finds itself in PM2's container as ever.
 */
import { isSticky } from "../config";
import { runAsMain } from "../node-internals";
import { autoload } from "../worker/bind/autoload";
import { requirePm2 } from "./internals";

const { sticky, sticky_goes_on } = JSON.parse(process.env.pm2_env ?? "{}");
autoload(isSticky(sticky) || sticky_goes_on === true);
runAsMain(requirePm2.resolve("./lib/ProcessContainer.js"));
