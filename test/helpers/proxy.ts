import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";
import { freePort, until } from "./daemon";
import { needs } from "./needs";

/** A reverse proxy in front of an app: in the foreground, on a free port, all its files in a folder that goes with it. */
export interface ReverseProxy {
  port: number;
  /** The statuses of the requests that are finished, by its log. */
  statuses(): number[];
}

/** nginx, which keeps connections to the app open and uses them for whoever comes next. */
export function startNginx(context: TestContext, appPort: number): Promise<ReverseProxy> {
  const configure = (port: number, folder: string) => `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log stderr warn;
    events { worker_connections 1024; }
    http {
      log_format status "status=$status";
      access_log ${folder}/log status;
      client_body_temp_path ${folder}/body;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi;
      scgi_temp_path ${folder}/scgi;
      map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
      upstream app {
        server 127.0.0.1:${appPort};
        keepalive 32;
        keepalive_requests 100000;
      }
      server {
        listen 127.0.0.1:${port};
        keepalive_requests 100000;
        location / {
          proxy_pass http://app;
          proxy_http_version 1.1;
          proxy_set_header Host $host;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
        }
      }
    }`;
  const command = (file: string, folder: string) => ["-e", "stderr", "-p", folder, "-c", file];
  return start(context, "nginx", configure, command);
}

/** HAProxy, with a pool of connections to the app that all clients share. */
export function startHaproxy(context: TestContext, appPort: number): Promise<ReverseProxy> {
  const configure = (port: number) => `
global
  log stdout format raw local0
defaults
  mode http
  log global
  log-format "status=%ST"
  option dontlognull
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend public
  bind 127.0.0.1:${port}
  default_backend app
backend app
  http-reuse always
  server god 127.0.0.1:${appPort} pool-max-conn 32
`;
  return start(context, "haproxy", configure, (file) => ["-db", "-f", file]);
}

async function start(
  context: TestContext,
  program: string,
  configure: (port: number, folder: string) => string,
  argumentsFor: (file: string, folder: string) => string[],
): Promise<ReverseProxy> {
  const path = needs(context, program);
  const folder = mkdtempSync(join(tmpdir(), `pm2sio-${program}-`));
  const port = await freePort();
  const file = join(folder, "proxy.conf");
  writeFileSync(file, configure(port, folder));
  const logFile = join(folder, "log");
  const output = openSync(logFile, "a");
  const child = spawn(path, argumentsFor(file, folder), { stdio: ["ignore", output, output] });
  closeSync(output);
  const log = () => readFileSync(logFile, "utf8");
  onTestFinished(async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended at once: ${log()}`);
    return (await accepts(port)) || undefined;
  }, `${program} to listen`);
  return {
    port,
    statuses: () => [...log().matchAll(/^status=(\d+)$/gm)].map(([, status]) => Number(status)),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await ended;
  clearTimeout(timer);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
