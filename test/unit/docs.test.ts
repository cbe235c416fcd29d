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
