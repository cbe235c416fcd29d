import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { otherInterpreter } from "../../../src/pm2/interpreter";

test.each([
  { script: "app.js" },
  { script: "app.ts" },
  { script: "app" },
  { script: "bin/www" },
  { script: "app.js", exec_interpreter: "node" },
  { script: "app.js", exec_interpreter: "/usr/bin/node" },
  { script: "app.js", exec_interpreter: "C:\\node\\node.exe" },
  { script: "app.js", exec_interpreter: "node@22.1.0" },
  { script: "app.ts", exec_interpreter: "ts-node" },
  {},
])("%j is run by Node", (config) => {
  expect(otherInterpreter(config)).toBeUndefined();
});

test.each([
  [{ script: "app.js", exec_interpreter: "bun" }, '"bun"'],
  [{ script: "app.ts", exec_interpreter: "tsx" }, '"tsx"'],
  [{ script: "app.js", exec_interpreter: "/usr/bin/python3" }, '"/usr/bin/python3"'],
  [{ script: "app.js", exec_interpreter: "none" }, 'nothing (interpreter "none")'],
  [{ script: "start.sh" }, '"bash"'],
  [{ script: "app.rb" }, '"ruby"'],
])("%j is not", (config, by) => {
  expect(otherInterpreter(config)).toBe(by);
});

test("a binary runs itself, a text without an extension does not", () => {
  const cwd = mkdtempSync(join(tmpdir(), "interpreter-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  writeFileSync(join(cwd, "binary"), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0, 0, 3]));
  writeFileSync(join(cwd, "text"), "#!/usr/bin/env node\nrequire('./app')\n");
  expect(otherInterpreter({ cwd, script: "binary" })).toBe("itself, being a binary");
  expect(otherInterpreter({ cwd, script: "text" })).toBeUndefined();
});
