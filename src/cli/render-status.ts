// SPDX-License-Identifier: AGPL-3.0-only
import type { AppStatus, WorkerStatus } from "../primary/status";

const COLUMNS: [title: string, value: (worker: WorkerStatus) => string | number][] = [
  ["slot", (worker) => worker.slot],
  ["id", (worker) => worker.id ?? "-"],
  ["pid", (worker) => worker.pid ?? "-"],
  ["gen", (worker) => worker.generation],
  ["state", (worker) => worker.state],
  ["sessions", (worker) => worker.sessions],
  ["connections", (worker) => worker.connections],
  ["handed off", (worker) => worker.handedOff],
  ["forwarded", (worker) => worker.forwarded],
  ["frames", (worker) => worker.framesRelayed],
  ["bytes", (worker) => worker.bytesRelayed],
  ["dropped", (worker) => worker.framesDropped],
  ["moved", (worker) => worker.handover.moved],
  ["closed", (worker) => worker.handover.closed],
  ["failed", (worker) => worker.handover.failed],
];

/** The status of all apps as text: a line for each address, a table for the workers. */
export function renderStatus(apps: readonly AppStatus[]): string {
  if (apps.length === 0) return "No app with a sticky listener.";
  return apps.map(renderApp).join("\n\n");
}

function renderApp(app: AppStatus): string {
  const waiting = app.waiting > 0 ? `, ${app.waiting} waiting` : "";
  const { moved, closed, failed } = app.handover;
  const sessions =
    moved + closed + failed > 0 ? `, sessions: ${moved} moved, ${closed} closed, ${failed} failed` : "";
  const head = `${app.name} (namespace ${app.namespace}): ${app.method}${waiting}${sessions}`;
  const addresses = app.addresses.map(
    ({ listener, state, error, slots }) =>
      `  ${listener} ${state}${error ? ` (${error})` : ""}, workers ${slots.join(", ") || "none"}`,
  );
  if (addresses.length === 0) addresses.push("  no address: the app uses the adapter alone");
  const rows = [
    COLUMNS.map(([title]) => title),
    ...app.workers.map((worker) => COLUMNS.map(([, value]) => String(value(worker)))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ")}`.trimEnd());
  return [head, ...addresses, ...lines].join("\n");
}
