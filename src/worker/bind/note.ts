// SPDX-License-Identifier: MIT
import type { ErrorCode } from "../../errors";
import { seal } from "../../protocol/ipc";

/**
 * Tells whoever started this worker something that the app's owner should know. All workers of an app notice the same
 * things, so the line is not written here: PM2's daemon writes it, once.
 *
 * @param shared see `Note` in `ipc.ts`
 */
export function note(code: ErrorCode, values: string[] = [], shared?: string): void {
  if (process.connected) process.send?.(seal({ note: { code, values, shared } }), undefined, {}, () => {});
}
