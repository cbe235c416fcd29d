import { expect } from "vitest";
import { isServedAsCluster } from "./app-clients";
import { Daemon, freePort } from "./daemon";

/**
 * Starts an app that was written as a single process, with `--sticky`, as two workers, and expects it to be served as a
 * cluster on the port that it asks for itself.
 *
 * @param source the app's text; it listens on `PORT_OF_TEST`, which is replaced
 */
export async function runsAsCluster(source: string, file = "app.js", daemon = new Daemon()) {
  const port = await freePort();
  const path = daemon.write(file, source.replaceAll("PORT_OF_TEST", String(port)));
  const started = await daemon.pm2("start", path, "-i", "2", "--sticky");
  expect(started, started.stderr).toMatchObject({ code: 0 });
  await daemon.ready(2);
  await isServedAsCluster(port);
  return { daemon, port };
}
