import type { Daemon, Output } from "./daemon";

/** What a command said, without what differs from run to run: numbers, times, ids, folders, colours, widths. */
export function normalise({ code, stdout, stderr }: Output, daemon: Daemon): Output {
  const text = (output: string) =>
    output
      .replaceAll(daemon.home, "<home>")
      .replaceAll(daemon.folder, "<folder>")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
      .replace(/\x1b\[[0-9;]*m/g, "")
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "<uuid>")
      // What the app's process has measured of itself, if it has reported it already.
      .replace(/ Code metrics value [\s\S]*?┘/g, "")
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, "<time>")
      .replace(/\b\d+(\.\d+)?(mb|kb|b|%|ms|s|m|MiB)?(?=\s|$|\/)/g, "#")
      // The load of the machine, if it has been measured already.
      .replace(/^host metrics .*$/gm, "")
      .replace(/─+/g, "─")
      .replace(/ +/g, " ")
      // PM2 works on several processes at a time.
      .replace(/(?:^\[PM2\] \[.*✓\n)+/gm, (lines) => `${lines.trimEnd().split("\n").sort().join("\n")}\n`)
      .trim();
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
