/**
 * Checks who imports whom in `src` (part of `npm run check`). Each folder may import itself, what its line names, and the
 * files that everybody may import. A folder is never named by one that stands above it in the table, so no two folders
 * import each other; that no two files do is checked by Biome (`noImportCycles`).
 */
const { readdirSync, readFileSync } = require("node:fs");
const { dirname, join, relative } = require("node:path");

/** From the bottom to the top; `docs/architecture.md` says what one finds in each. */
const MAY_IMPORT = {
  "src/protocol": [],
  "src/primary/connections": ["src/protocol"],
  "src/primary/workers": ["src/protocol", "src/primary/connections"],
  "src/primary/recovery": ["src/protocol"],
  "src/primary/packets": ["src/protocol", "src/primary/workers", "src/primary/recovery"],
  "src/primary/sessions": ["src/protocol", "src/primary/connections", "src/primary/workers"],
  "src/primary": ["src/protocol", "src/primary/*"],
  "src/worker/socket-io": ["src/protocol"],
  "src/worker/link": ["src/protocol", "src/worker/socket-io"],
  "src/worker/recovery": ["src/protocol", "src/worker/link", "src/worker/socket-io"],
  "src/worker/adapter": ["src/protocol", "src/worker/recovery", "src/worker/link", "src/worker/socket-io"],
  "src/worker/http": ["src/protocol", "src/worker/link", "src/worker/socket-io"],
  "src/worker/handover": ["src/protocol", "src/worker/http", "src/worker/link", "src/worker/socket-io"],
  "src/worker/bind": ["src/protocol", "src/worker/*"],
  "src/pm2": ["src/protocol", "src/primary", "src/primary/*", "src/worker/bind"],
  "src/cli": ["src/protocol", "src/primary", "src/pm2"],
  src: ["src/protocol", "src/primary", "src/primary/*", "src/worker/*", "src/pm2"],
};
/** Files that everybody may import; they import each other, and what both ends agree on. */
const FOR_ALL = ["errors", "log", "clock", "node-internals", "config"].map((name) => `src/${name}`);
/** What users import into their own servers is MIT, and imports nothing of PM2, which is AGPL. */
const MAY_IMPORT_PM2 = ["src/pm2", "src/cli", "src"];

const IMPORT = /\b(?:from|import|require)\s*\(?\s*"([^"]+)"/g;

/** What is wrong with the imports of one file, a line each. */
function wrongImports(file, text) {
  const folder = dirname(file);
  const allowed = FOR_ALL.includes(file.slice(0, -3)) ? ["src/protocol"] : MAY_IMPORT[folder];
  if (!allowed) return [`${file}: Folders: ${folder} is not in the table of scripts/check-imports.js`];
  return [...text.matchAll(IMPORT)].flatMap(([, name]) => {
    if (!name.startsWith(".")) {
      const isPm2 = name === "pm2" || name.startsWith("pm2/");
      return isPm2 && !MAY_IMPORT_PM2.includes(folder)
        ? [`${file}: Licence: ${folder} must not import PM2`]
        : [];
    }
    const target = join(folder, name);
    const to = dirname(target);
    const isInside = to === folder && folder !== "src";
    const isNamed = allowed.includes(to) || allowed.includes(`${dirname(to)}/*`);
    if (!target.startsWith("src/") || isInside || FOR_ALL.includes(target) || isNamed) return [];
    const rule = layerOf(to) === layerOf(folder) ? "Folders" : "Layers";
    return [`${file}: ${rule}: ${folder} must not import ${to} ("${name}")`];
  });
}

/** `src/primary/packets` is of the layer `primary`. */
function layerOf(folder) {
  return folder.split("/")[1];
}

module.exports = { MAY_IMPORT, wrongImports };

if (require.main === module) {
  const root = join(__dirname, "..");
  const files = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
  const wrong = files.flatMap((file) => wrongImports(file, readFileSync(join(root, file), "utf8")));
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exitCode = 1;
}
