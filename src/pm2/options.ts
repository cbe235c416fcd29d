// SPDX-License-Identifier: AGPL-3.0-only
import { checkStickyOptions, isSticky } from "../config";
import { describe } from "../errors";
import { type Common, type ConfigTool, requirePm2 } from "./internals";
import { otherInterpreter } from "./interpreter";

/**
 * Makes PM2 take `sticky` from an ecosystem file or the command line, and checks it. PM2 drops options that
 * its schema does not know.
 */
export function knowSticky(config: ConfigTool): void {
  const schema: Record<string, unknown> = requirePm2("./lib/API/schema.json");
  schema.sticky = {
    type: ["boolean", "object"],
    docDefault: false,
    docDescription: "Serve Socket.IO from one public port, with sticky sessions",
  };
  const { validateJSON } = config;
  config.validateJSON = function (json) {
    const result = validateJSON.call(this, json);
    if (json.sticky === undefined) return result;
    const wrong = checkStickyOptions(json.sticky);
    // If the type is wrong, PM2 complains as well, and would say the same in other words.
    result.errors = result.errors.filter((error) => wrong.length === 0 || !error.includes('"sticky"'));
    result.errors.push(...wrong.map((what) => describe("STICKY_OPTION", what)));
    if (isSticky(json.sticky)) {
      const mode = result.config.exec_mode;
      if (mode === undefined) result.config.exec_mode = "cluster_mode";
      else if (mode !== "cluster_mode") result.errors.push(describe("STICKY_EXEC_MODE", String(mode)));
      const other = otherInterpreter(result.config);
      if (other) result.errors.push(describe("STICKY_INTERPRETER", other));
    }
    return result;
  };
}

/**
 * Makes PM2 take a file such as `ecosystem.config.example.js` for a configuration. Going by the name, PM2 would take it
 * for the script of an app.
 */
export function knowExampleConfig(common: Common): void {
  const { isConfigFile } = common;
  common.isConfigFile = (file) =>
    isConfigFile.call(common, file) ?? (/\.config\.example\.js$/.test(String(file)) ? "js" : null);
}
