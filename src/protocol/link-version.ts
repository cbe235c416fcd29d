// SPDX-License-Identifier: MIT
import { describe } from "../errors";

const UPDATE_APP = "the app's package: npm install pm2-socket.io@latest in its folder, then restart the app";
const UPDATE_PRIMARY = "the primary's package: npm install -g pm2-socket.io@latest, then: pm2 update";

/** A line for a log: worker and primary speak different versions of the link, and the older one has to be updated. */
export function describeVersions(worker: number, primary: number): string {
  return describe("STICKY_LINK_VERSION", worker, primary, worker < primary ? UPDATE_APP : UPDATE_PRIMARY);
}
