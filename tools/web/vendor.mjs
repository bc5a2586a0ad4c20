// Bundles the packages that browsers get into voting_app/static/vendor, always to the same bytes.
//
//     node tools/web/vendor.mjs [FOLDER]
//
// vendor.json names packages, the hash of every source file that went in, and those of the outcome;
// tests/web/test_vendor.py bundles again from freshly fetched packages and compares.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const BUNDLES = { "noble.js": ["@noble/curves", "@noble/hashes"], "qrcode.js": ["lean-qr"] };

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const read = (path) => readFile(join(HERE, path));
const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

async function bundle(name, folder) {
  const outcome = await build({
    absWorkingDir: HERE,
    entryPoints: [`entries/${name}`],
    bundle: true,
    format: "esm",
    // Every browser with module Workers (Chrome 80, Safari 15, Firefox 114) reads it.
    target: "es2020",
    minify: true,
    legalComments: "none",
    charset: "utf8",
    banner: { js: `/* ${BUNDLES[name].join(", ")}: MIT licence, see ${name}.LICENSE. Written by \`make vendor\`. */` },
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const code = outcome.outputFiles[0].contents;
  await writeFile(join(folder, name), code);
  const licences = [];
  for (const title of BUNDLES[name]) {
    const text = (await read(`node_modules/${title}/LICENSE`)).toString();
    licences.push(`${title}\n\n${text.replaceAll("\r\n", "\n").trim()}\n`);
  }
  await writeFile(join(folder, `${name}.LICENSE`), licences.join("\n---\n\n"));
  const sources = {};
  for (const path of Object.keys(outcome.metafile.inputs)) sources[path] = sha256(await read(path));
  return { sources: sorted(sources), sha256: sha256(code), bytes: code.length };
}

async function main() {
  const folder = resolve(process.argv[2] ?? join(HERE, "../../voting_app/static/vendor"));
  await mkdir(folder, { recursive: true });
  const lock = JSON.parse(await read("package-lock.json"));
  const packages = {};
  for (const name of Object.keys(JSON.parse(await read("package.json")).dependencies)) {
    const { version, integrity } = lock.packages[`node_modules/${name}`];
    packages[name] = { version, integrity };
  }
  const bundles = {};
  for (const name of Object.keys(BUNDLES)) bundles[name] = await bundle(name, folder);
  await writeFile(join(folder, "vendor.json"), `${JSON.stringify({ packages, bundles }, null, 1)}\n`);
  for (const [name, { bytes }] of Object.entries(bundles)) {
    console.log(`${relative(process.cwd(), join(folder, name))}: ${bytes} bytes`);
  }
}

await main();
