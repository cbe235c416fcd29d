// SPDX-License-Identifier: AGPL-3.0-only
/**
 * The main file of the workers that may use Socket.IO: PM2's own container, with our packages bound to what the app
 * loads.
 */
import { isSticky } from "../config";
import { autoload } from "../worker/bind/autoload";
import { requirePm2 } from "./internals";

const { sticky, sticky_goes_on } = JSON.parse(process.env.pm2_env ?? "{}");
autoload(isSticky(sticky) || sticky_goes_on === true);
process.argv[1] = requirePm2.resolve("./lib/ProcessContainer.js");
requirePm2("./lib/ProcessContainer.js");
