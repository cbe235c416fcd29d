// SPDX-License-Identifier: AGPL-3.0-only
/**
 * `require("pm2-socket.io")`: PM2's programmatic API, whose daemon serves Socket.IO clusters.
 */
import pm2 = require("pm2");

import { applyClientSeams } from "./pm2/client-seams";

applyClientSeams();

export = pm2;
