import { expect, test } from "vitest";
import { LiveLines } from "../../../src/cli/live-lines";

const ESCAPE = "\x1b[";
const UP_OR_NEWLINE = new RegExp(`(${ESCAPE.replace("[", "\\[")}\\d+A|\n)`);

/** A terminal that knows the two escape sequences there are here; shows what a person would see. */
function terminal(columns = 80) {
  const screen: string[] = [""];
  const write = (text: string) => {
    for (const part of text.replaceAll("\x1b[0J", "").split(UP_OR_NEWLINE)) {
      const up = part.startsWith(ESCAPE) ? Number.parseInt(part.slice(ESCAPE.length), 10) : 0;
      if (up > 0) screen.splice(screen.length - 1 - up, up);
      else if (part === "\n") screen.push("");
      else screen[screen.length - 1] += part;
    }
    return true;
  };
  const made = { columns, write };
  return { made, write, shown: () => screen.slice(0, -1) };
}

test("lines are rewritten in place, and what others write goes above them", () => {
  const { made, shown } = terminal();
  const live = new LiveLines(made);
  live.set(0, "zero: 1");
  live.set(1, "one: 1");
  live.set(0, "zero: 2");
  made.write("done\n");
  expect(shown()).toEqual(["done", "zero: 2", "one: 1"]);
  live.remove(0);
  made.write("zero: done\n");
  expect(shown()).toEqual(["done", "zero: done", "one: 1"]);
});

test("nothing is left of it when the last line is gone", () => {
  const { made, shown, write } = terminal();
  const live = new LiveLines(made);
  live.set(0, "zero");
  live.remove(0);
  expect(shown()).toEqual([]);
  expect(made.write).toBe(write);
});

test("a line that is too long would not be one line", () => {
  const { made, shown } = terminal(10);
  new LiveLines(made).set(0, "0123456789abc");
  expect(shown()).toEqual(["012345678"]);
});
