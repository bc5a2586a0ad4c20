// A trustee's key file: everything that the trustee keeps between the steps of a key ceremony (rule T7).
//
// The very format of `steward-trustee` (audit/keyfile.py), so that one key can be used in a browser and by the command
// in turn. It never crosses a network. Python names its fields, which are those of the JSON.

import { parseUtf8, utf8 } from "./encoding.js";
import { MalformedError } from "./errors.js";
import { NAME } from "./group.js";

/** @typedef {import("./encoding.js").JsonObject} JsonObject */

/**
 * `secret` for a single trustee, `seed` for a threshold trustee; the rest is what was seen:
 * `message` is what this trustee will reveal, made at the commitment; `commitments` everybody's as they were shown
 * before this trustee revealed; `fingerprint` and `journal` (its last line) what was published at the drill;
 * `decrypted` the tally that this key was applied to: never to another one.
 * @typedef {{
 *   kind: "single" | "threshold",
 *   group: string,
 *   secret?: string,
 *   seed?: string,
 *   size?: number,
 *   threshold?: number,
 *   index?: number,
 *   message?: { [field: string]: unknown },
 *   certificates?: unknown[],
 *   commitments?: { [owner: string]: string },
 *   private_key?: string,
 *   fingerprint?: string,
 *   journal?: { height: number, head: string },
 *   decrypted?: string,
 * }} KeyFile
 */

const RULE = "T7";
const VERSION = 1;
const FIELDS = [
  "kind",
  "group",
  "secret",
  "seed",
  "size",
  "threshold",
  "index",
  "message",
  "certificates",
  "commitments",
  "private_key",
  "fingerprint",
  "journal",
  "decrypted",
];
/** Of the fields that are not texts. @type {Record<string, string>} */
const TYPES = {
  size: "integer",
  threshold: "integer",
  index: "integer",
  message: "object",
  certificates: "array",
  commitments: "object",
  journal: "object",
};
/** @type {Record<string, string[]>} */
const NEEDED = { single: ["secret"], threshold: ["seed", "size", "threshold", "index"] };

/** @param {unknown} value */
function typeOf(value) {
  if (Array.isArray(value)) return "array";
  if (Number.isInteger(value)) return "integer";
  return value === null ? "null" : typeof value;
}

/**
 * Whether a field says nothing, so that it is not written.
 * @param {unknown} value
 */
function isEmpty(value) {
  return value === undefined || (typeof value === "object" && value !== null && !Object.keys(value).length);
}

/**
 * @param {KeyFile} key
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encodeKeyFile(key) {
  const values = /** @type {Record<string, unknown>} */ (key);
  const present = FIELDS.filter((name) => !isEmpty(values[name])).map((name) => [name, values[name]]);
  return utf8(`${JSON.stringify({ version: VERSION, ...Object.fromEntries(present) }, null, 1)}\n`);
}

/**
 * MalformedError (T7) with a sentence if it is no key file.
 * @param {Uint8Array} raw
 * @returns {KeyFile}
 */
export function parseKeyFile(raw) {
  let content;
  try {
    content = JSON.parse(parseUtf8(raw, RULE));
  } catch {
    throw new MalformedError(RULE, "this is not a trustee's key file");
  }
  const isKnown = typeOf(content) === "object" && content.version === VERSION;
  if (!isKnown || Object.keys(content).some((name) => name !== "version" && !FIELDS.includes(name))) {
    throw new MalformedError(RULE, `this is not a trustee's key file of version ${VERSION}`);
  }
  const key = { ...content };
  delete key.version;
  const needed = typeof key.kind === "string" && Object.hasOwn(NEEDED, key.kind) ? NEEDED[key.kind] : null;
  if (needed === null || ["group", ...needed].some((name) => !(name in key))) {
    throw new MalformedError(RULE, "the file lacks a part of a trustee's key");
  }
  for (const [name, value] of Object.entries(key)) {
    if (typeOf(value) !== (TYPES[name] ?? "string")) {
      throw new MalformedError(RULE, `the file is damaged: ${name} is of the wrong kind`);
    }
  }
  if (key.kind === "threshold" && key.message && !("coefexps" in key.message)) {
    throw new MalformedError(RULE, "the file is damaged: the message has no coefficients");
  }
  if (key.group !== NAME) {
    throw new MalformedError(RULE, `this key is of group ${key.group.slice(0, 40)}, which the browser does not compute in`);
  }
  return key;
}
