import { expect, test } from "vitest";
import { missingFromClient, missingFromGod, requirePm2 } from "../../../src/pm2/internals";

const nothing = () => {};
/** What God has as we know it. Loading the real one would make this process a daemon. */
const god = () => ({
  nodeApp: nothing,
  executeApp: nothing,
  resetState: nothing,
  killProcess: nothing,
  stopProcessId: nothing,
  deleteProcessId: nothing,
  restartProcessId: nothing,
  reloadProcessId: nothing,
  softReloadProcessId: nothing,
  clusters_db: {},
  bus: { emit: nothing, on: nothing },
});

test("every member of God that we rely on is missed if it is not there", () => {
  expect(missingFromGod(god(), { expose: nothing })).toBeUndefined();
  for (const name of Object.keys(god())) {
    expect(missingFromGod({ ...god(), [name]: undefined }, { expose: nothing })).toBe(`God.${name}`);
  }
  expect(missingFromGod(god(), {})).toBe("rpc.Server.expose");
});

test("every member of the client that we rely on is missed if it is not there", () => {
  const client = { launchDaemon: nothing, pingDaemon: nothing, launchRPC: nothing, executeRemote: nothing };
  const api = { _operate: nothing, exitCli: nothing, scale: nothing };
  const config = { validateJSON: () => ({ errors: [], config: {} }) };
  const common = { isConfigFile: () => null };
  expect(missingFromClient(client, api, config, common)).toBeUndefined();
  for (const name of Object.keys(client)) {
    expect(missingFromClient({ ...client, [name]: undefined }, api, config, common)).toBe(`Client.${name}`);
  }
  for (const name of Object.keys(api)) {
    expect(missingFromClient(client, { ...api, [name]: undefined }, config, common)).toBe(`API.${name}`);
  }
  expect(missingFromClient(client, api, {}, common)).toBe("Config.validateJSON");
  expect(missingFromClient(client, api, config, {})).toBe("Common.isConfigFile");
});

test("nothing is missing from the client of the PM2 that is bundled", () => {
  const client = requirePm2("./lib/Client.js").prototype;
  const api = requirePm2("./lib/API.js").prototype;
  const config = requirePm2("./lib/tools/Config.js");
  const common = requirePm2("./lib/Common.js");
  expect(missingFromClient(client, api, config, common)).toBeUndefined();
});
