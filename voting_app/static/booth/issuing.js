// The registrar's part in a browser: new credentials, the file in which they are kept, and the public list of them.
//
// The same as `steward-registrar`: the same file (credentials.csv), the same list, byte for byte. The server gets the list
// only, and its order tells nothing of the roll.

import { derivePublic, parseCredentialText } from "./credentials.js";
import { encodeJson, encodeHex } from "./encoding.js";
import { sortKey } from "./group.js";
import { CREDENTIAL_GROUPS, newBase58 } from "./randomness.js";
import { encodeTable, readTable } from "./tables.js";

/**
 * A member who may vote.
 * @typedef {{ number: string, weight: number }} Voter
 */
/** @typedef {(done: number, total: number) => void} OnProgress */

const HEADER = ["member_number", "credential"];
const MOST_NAMED = 10;

/** Why a file of credentials is not the one for these voters. `members` or `row`: where; no credential is repeated. */
export class FileFault extends Error {
  /**
   * @param {"columns" | "row" | "twice" | "missing" | "foreign" | "another"} code
   * @param {string} [where]
   */
  constructor(code, where = "") {
    super(where);
    this.name = "FileFault";
    this.code = code;
  }
}

/**
 * The file with a new credential for each.
 * @param {readonly Voter[]} voters
 */
export function makeFile(voters) {
  const rows = voters.map(({ number }) => [number, newCredentialText()]);
  return encodeTable([HEADER, ...rows]);
}

/** @returns {string} 22 Base58 characters, 128 bits, in their groups */
function newCredentialText() {
  return CREDENTIAL_GROUPS.map((length) => newBase58(length)).join("-");
}

/**
 * Member number → credential, for exactly these voters.
 * @param {Uint8Array} raw
 * @param {readonly Voter[]} voters
 * @returns {Map<string, string>}
 */
export function readFile(raw, voters) {
  const [header, ...rows] = readTable(raw);
  if (header?.join() !== HEADER.join()) throw new FileFault("columns");
  /** @type {Map<string, string>} */
  const found = new Map();
  const credentials = new Set();
  rows.forEach(([number, text, ...more], index) => {
    const row = String(index + 2);
    if (text === undefined || more.length) throw new FileFault("row", row);
    let credential;
    try {
      credential = parseCredentialText(text);
    } catch {
      throw new FileFault("row", row);
    }
    if (found.has(number) || credentials.has(credential)) throw new FileFault("twice", row);
    found.set(number, credential);
    credentials.add(credential);
  });
  const wanted = new Set(voters.map(({ number }) => number));
  requireNone("missing", [...wanted].filter((number) => !found.has(number)));
  requireNone("foreign", [...found.keys()].filter((number) => !wanted.has(number)));
  return found;
}

/**
 * @param {"missing" | "foreign"} code
 * @param {string[]} numbers
 */
function requireNone(code, numbers) {
  if (!numbers.length) return;
  const named = numbers.slice(0, MOST_NAMED).join(", ");
  throw new FileFault(code, numbers.length > MOST_NAMED ? `${named}, …` : named);
}

/**
 * The public list, sorted, as canonical JSON. Weights are written for all or for none.
 * @param {string} uuid
 * @param {readonly Voter[]} voters
 * @param {Map<string, string>} credentials of readFile
 * @param {OnProgress} [onProgress]
 */
export function makeList(uuid, voters, credentials, onProgress) {
  const isWeighted = voters.some(({ weight }) => weight !== 1);
  const entries = voters.map(({ number, weight }, index) => {
    const element = derivePublic(uuid, /** @type {string} */ (credentials.get(number)));
    onProgress?.(index + 1, voters.length);
    return { key: encodeHex(sortKey(element)), text: isWeighted ? `${element.text},${weight}` : element.text };
  });
  entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  return encodeJson(entries.map(({ text }) => text));
}
