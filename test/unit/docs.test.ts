import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(__dirname, "../..");
const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`),
];

/** What a document points to, of this repository: in links, and as paths of sources and tests in the text. */
function pointsTo(document: string): string[] {
  const text = readFileSync(join(ROOT, document), "utf8");
  const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, to]) =>
    join(dirname(document), to!),
  );
  const paths = [...text.matchAll(/`((?:src|test|bench|scripts|docs)\/[\w./-]+\.\w+)`/g)].map(
    ([, to]) => to!,
  );
  return [...links, ...paths];
}

test.each(DOCUMENTS)("what %s points to is there", (document) => {
  expect(pointsTo(document).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

/** The rows of a life cycle's table: file and function of each arrow. */
const arrows = [
  ...readFileSync(join(ROOT, "docs/life-cycles.md"), "utf8").matchAll(
    /^\| \d+ \|.*\[[\w.-]+\]\(\.\.\/([^)]+)\) \| `(\w+)` \|$/gm,
  ),
].map(([, file, name]) => [file!, name!] as const);

test("every arrow of a life cycle has a row", () => {
  const text = readFileSync(join(ROOT, "docs/life-cycles.md"), "utf8");
  const rows = [...text.matchAll(/^\| \d+ \|/gm)];
  expect(arrows).toHaveLength(rows.length);
  for (const [part] of text
    .split("\n## ")
    .slice(1)
    .map((each) => [each])) {
    const drawn = [...part!.matchAll(/─(\d+)─/g)].map(([, number]) => number);
    const told = [...part!.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => number);
    expect(new Set(told)).toEqual(new Set(drawn));
  }
});

test.each(arrows)("%s has the function %s that a life cycle names", (file, name) => {
  const source = readFileSync(join(ROOT, file), "utf8");
  expect(source).toMatch(
    new RegExp(`(?:function |private |async |override |readonly |^ {2})${name}\\b`, "m"),
  );
});
