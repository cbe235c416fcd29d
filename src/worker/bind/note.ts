// SPDX-License-Identifier: MIT
import type { ErrorCode } from "../../errors";
import { seal } from "../../protocol/ipc";

/**
 * Tells the process that started this worker something that the app's owner should know. All workers of an
 * app notice the same things, so none of them writes the line to the log: PM2's daemon writes it, once.
 *
 * @param code which text of `errors.ts` it is
 * @param values what the text is filled in with
 * @param shared see `Note` in `ipc.ts`
 */
export function note(code: ErrorCode, values: string[] = [], shared?: string): void {
  if (process.connected) process.send?.(seal({ note: { code, values, shared } }), undefined, {}, () => {});
}
