import { expect, test } from "vitest";
import { client } from "../helpers/app-clients";
import { connected } from "../helpers/clients";
import { type Daemon, until } from "../helpers/daemon";
import { expectWhole, HOLDING, TRANSPORTS } from "../helpers/mid-reload";
import { drained, pids, startApp, untilSessions } from "../helpers/planned-stops";

interface Stop {
  what: string;
  instances: number;
  /** More of the app's configuration. */
  config?: object;
  action?(daemon: Daemon): Promise<unknown>;
  /** Whether all workers are other ones in the end. */
  replaces?: boolean;
}

const pm2 =
  (...args: string[]) =>
  async (daemon: Daemon) =>
    expect((await daemon.pm2(...args)).code).toBe(0);

const STOPS: Stop[] = [
  { what: "pm2 restart of two workers", instances: 2, action: pm2("restart", "app"), replaces: true },
  { what: "pm2 restart of three workers", instances: 3, action: pm2("restart", "app"), replaces: true },
  { what: "pm2 stop of one worker", instances: 2, action: pm2("stop", "0") },
  { what: "pm2 delete of one worker", instances: 2, action: pm2("delete", "0") },
  { what: "pm2 scale app -1", instances: 2, action: pm2("scale", "app", "-1") },
  { what: "a cron restart", instances: 2, config: { cron_restart: "*/10 * * * * *" }, replaces: true },
  {
    what: "a restart because a file has changed",
    instances: 2,
    config: { watch: true },
    action: async (daemon) => daemon.write("other.js", ""),
    replaces: true,
  },
  {
    what: "a restart for memory",
    instances: 2,
    config: { max_memory_restart: "1M" },
    replaces: true,
  },
];

// How often PM2 looks at the memory; the daemons of this file inherit it.
process.env.PM2_WORKER_INTERVAL = "1000";

for (const { what, instances, config, action, replaces } of STOPS) {
  test(`no client notices ${what}`, async () => {
    const { daemon, port } = await startApp(HOLDING, instances, {}, config);
    const clients = TRANSPORTS.map((each) => client(port, { transports: [each] }));
    await Promise.all(clients.map(connected));
    await untilSessions(daemon, clients.length);
    const ids = clients.map(({ id }) => id);
    const disconnected: string[] = [];
    for (const each of clients) each.on("disconnect", (reason) => disconnected.push(reason));
    const before = await pids(daemon);

    await action?.(daemon);
    if (replaces) {
      const others = async () => (await pids(daemon)).every((pid) => pid > 0 && !before.includes(pid));
      await until(async () => (await others()) || undefined, "all workers to be other ones", 40_000);
    }

    await until(() => drained(daemon).length > 0 || undefined, "the line of the log");
    expect(disconnected).toEqual([]);
    for (const line of drained(daemon)) expect(line).toMatchObject({ closed: 0, failed: 0 });
    await expectWhole(daemon, clients, ids);
  });
}
