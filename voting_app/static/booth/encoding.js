// Canonical JSON, Base58, base64, hex and hashes: the text forms that everything else is built from.
//
// Canonical JSON (docs/protocol.md §1): compact, UTF-8 unescaped, keys in the order given, no number but
// integers. Reading is strict: what we would have written differently is refused, so that one value has one
// text and one hash. JSON.parse would lose digits of long numbers, forget which key stood twice, and sort keys
// that look like numbers; hence a reader of our own.

import { sha256 } from "../vendor/noble.js";
import { MalformedError, MisuseError } from "./errors.js";

export const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Numbers above this are written as decimal strings (PROTOCOL §4: an OCaml integer on 31 bits). */
export const LARGEST_JSON_NUMBER = 2 ** 30 - 1;
const SHORTEST_UUID = 14;
// Longer decimal texts are never legal.
const LONGEST_DECIMAL = 1000;
// Longer numbers and deeper nesting are refused by the Python programs as well.
const LONGEST_NUMBER = 4300;
const DEEPEST = 900;

const UTF8_OUT = new TextEncoder();
const UTF8_IN = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @typedef {null | boolean | number | bigint | string | JsonArray | JsonObject} Json */
/** @typedef {Json[]} JsonArray */
/** @typedef {{ [key: string]: Json }} JsonObject */

// --- text and bytes ------------------------------------------------------------------------------------------

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>} its UTF-8; a lone surrogate, which has none, is a caller's mistake
 */
export function utf8(text) {
  if (LONE_SURROGATE.test(text)) throw new MisuseError("not encodable as UTF-8: a lone surrogate");
  return UTF8_OUT.encode(text);
}

/**
 * @param {Uint8Array} bytes
 * @param {string} rule
 * @returns {string}
 */
export function parseUtf8(bytes, rule) {
  try {
    return UTF8_IN.decode(bytes);
  } catch {
    throw new MalformedError(rule, "not valid UTF-8");
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} two lower-case digits a byte
 */
export function encodeHex(bytes) {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * @param {string} text pairs of lower-case digits, as some `is…` or pattern has made sure
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function decodeHex(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let place = 0; place < bytes.length; place++) bytes[place] = parseInt(text.slice(2 * place, 2 * place + 2), 16);
  return bytes;
}

/**
 * @param {Uint8Array} bytes most significant first
 * @returns {bigint}
 */
export function bytesToNumber(bytes) {
  return bytes.length ? BigInt(`0x${encodeHex(bytes)}`) : 0n;
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 * @returns {boolean}
 */
export function equalBytes(a, b) {
  return a.length === b.length && a.every((byte, place) => byte === b[place]);
}

// --- canonical JSON, out -------------------------------------------------------------------------------------

/** @type {Record<string, string>} */
const SHORT_ESCAPES = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r" };
// DEL is the one character outside C0 that the field's reference implementation escapes.
// eslint-disable-next-line no-control-regex -- the control characters are what is looked for
const ESCAPED = /["\\\u0000-\u001f\u007f]/g;

/** @param {string} text */
function encodeString(text) {
  const escape = (/** @type {string} */ c) =>
    SHORT_ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${text.replace(ESCAPED, escape)}"`;
}

/** @param {object} value */
function encodeObject(value) {
  const parts = Object.entries(value).map(([key, item]) => {
    // JavaScript moves such keys to the front, so their order cannot be kept.
    if (/^(0|[1-9][0-9]*)$/.test(key)) throw new MisuseError(`not encodable as canonical JSON: the key ${key}`);
    return `${encodeString(key)}:${encodeJson(item)}`;
  });
  return `{${parts.join(",")}}`;
}

/**
 * `value` as canonical JSON. What has no text there (fractions, undefined) is a caller's mistake.
 * @param {unknown} value
 * @returns {string}
 */
export function encodeJson(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return encodeString(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(",")}]`;
  if (typeof value === "object") return encodeObject(value);
  throw new MisuseError(`not encodable as canonical JSON: ${typeof value}`);
}

/**
 * encodeJson as UTF-8 bytes.
 * @param {unknown} value
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encodeJsonBytes(value) {
  return utf8(encodeJson(value));
}

// --- canonical JSON, in --------------------------------------------------------------------------------------

// Whole tokens, matched at a place. A string holds no raw control character; its escapes are those that we write.
// eslint-disable-next-line no-control-regex -- the control characters are what is excluded
const STRING = /"((?:[^"\\\u0000-\u001f\u007f]|\\(?:["\\btnfr]|u(?:00[01][0-9a-f]|007f)))*)"/y;
const NUMBER = /-?[0-9]+/y;
const NUMBER_CONTINUES = /[.eE]/;
const ESCAPE = /\\(u[0-9a-f]{4}|.)/g;
/** @type {Record<string, string>} */
const UNESCAPED = { '"': '"', "\\": "\\", b: "\b", t: "\t", n: "\n", f: "\f", r: "\r" };
const NOT_CANONICAL = "not canonical JSON: it would be written differently";
/** @type {[string, Json][]} */
const WORDS = [
  ["null", null],
  ["true", true],
  ["false", false],
];

/** Reads one text from left to right and refuses at the first character that we would not have written. */
class Reader {
  /**
   * @param {string} text
   * @param {string} rule
   */
  constructor(text, rule) {
    this.text = text;
    this.rule = rule;
    this.place = 0;
    this.depth = 0;
  }

  /**
   * @param {string} detail
   * @returns {never}
   */
  refuse(detail) {
    throw new MalformedError(this.rule, detail);
  }

  /** @param {string} expected */
  take(expected) {
    if (!this.text.startsWith(expected, this.place)) return false;
    this.place += expected.length;
    return true;
  }

  /** @param {RegExp} pattern */
  match(pattern) {
    pattern.lastIndex = this.place;
    const found = pattern.exec(this.text);
    if (found) this.place = pattern.lastIndex;
    return found;
  }

  whole() {
    const value = this.value();
    if (this.place !== this.text.length) this.refuse("not canonical JSON: something follows the value");
    return value;
  }

  /** @returns {Json} */
  value() {
    const first = this.text[this.place];
    if (first === '"') return this.string();
    if (first === "{" || first === "[") {
      this.depth += 1;
      if (this.depth > DEEPEST) this.refuse("nested too deeply");
      this.place += 1;
      const value = first === "{" ? this.object() : this.array();
      this.depth -= 1;
      return value;
    }
    for (const [word, value] of WORDS) if (this.take(word)) return value;
    return this.number();
  }

  string() {
    const found = this.match(STRING);
    if (!found) this.refuse(NOT_CANONICAL);
    const body = found[1];
    if (!body.includes("\\")) return body;
    return body.replace(ESCAPE, (_, escape) => {
      if (escape.length === 1) return UNESCAPED[escape];
      const character = String.fromCharCode(parseInt(escape.slice(1), 16));
      if (character in SHORT_ESCAPES) this.refuse(NOT_CANONICAL);
      return character;
    });
  }

  number() {
    const text = this.match(NUMBER)?.[0] ?? this.refuse("not readable as JSON");
    if (text.length > LONGEST_NUMBER) this.refuse("a number is too long");
    if (NUMBER_CONTINUES.test(this.text[this.place] ?? "")) this.refuse("a number is not an integer");
    if (/^-?0[0-9]|^-0/.test(text)) this.refuse(NOT_CANONICAL);
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : BigInt(text);
  }

  array() {
    /** @type {JsonArray} */
    const items = [];
    if (this.take("]")) return items;
    do items.push(this.value());
    while (this.take(","));
    if (!this.take("]")) this.refuse(NOT_CANONICAL);
    return items;
  }

  object() {
    /** @type {JsonObject} */
    const fields = Object.create(null); // a key may be called __proto__
    if (this.take("}")) return fields;
    do {
      const key = this.string();
      if (key in fields) this.refuse("not readable as JSON: a key stands twice");
      if (!this.take(":")) this.refuse(NOT_CANONICAL);
      fields[key] = this.value();
    } while (this.take(","));
    if (!this.take("}")) this.refuse(NOT_CANONICAL);
    return fields;
  }
}

/**
 * Reads canonical JSON and nothing else; throws MalformedError under `rule`.
 *
 * Integers beyond 2^53 come as BigInt. Objects have no prototype.
 * @param {Uint8Array} raw
 * @param {string} rule
 * @returns {Json}
 */
export function parseJson(raw, rule) {
  return new Reader(parseUtf8(raw, rule), rule).whole();
}

// --- what a value must be ------------------------------------------------------------------------------------

/**
 * @param {unknown} value
 * @returns {value is JsonObject}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * An object with exactly these keys, in this order.
 *
 * `order` is the order of all keys where optional ones stand between required ones; without it the optional
 * keys come last. Throws MalformedError naming what is missing, unknown or misplaced.
 * @param {unknown} value
 * @param {readonly string[]} required
 * @param {string} rule
 * @param {{ optional?: readonly string[], order?: readonly string[] }} [more]
 * @returns {JsonObject}
 */
export function requireFields(value, required, rule, { optional = [], order = [] } = {}) {
  if (!isObject(value)) throw new MalformedError(rule, "an object was expected");
  const allowed = order.length ? order : [...required, ...optional];
  const keys = Object.keys(value);
  const unknown = keys.find((key) => !allowed.includes(key));
  if (unknown !== undefined) throw new MalformedError(rule, `unknown field ${JSON.stringify(unknown.slice(0, 40))}`);
  const missing = required.find((key) => !(key in value));
  if (missing !== undefined) throw new MalformedError(rule, `field ${JSON.stringify(missing)} is missing`);
  if (keys.join() !== allowed.filter((key) => key in value).join()) {
    throw new MalformedError(rule, `fields are not in their order: ${keys.join(", ")}`);
  }
  return value;
}

/**
 * A JSON array, of exactly `length` items where given.
 * @param {unknown} value
 * @param {string} rule
 * @param {string} what
 * @param {number} [length]
 * @returns {JsonArray}
 */
export function requireList(value, rule, what, length) {
  if (!Array.isArray(value)) throw new MalformedError(rule, `${what}: an array was expected`);
  if (length !== undefined && value.length !== length) {
    throw new MalformedError(rule, `${what}: ${length} items were expected, ${value.length} found`);
  }
  return value;
}

/**
 * A JSON string.
 * @param {unknown} value
 * @param {string} rule
 * @param {string} what
 * @returns {string}
 */
export function requireText(value, rule, what) {
  if (typeof value !== "string") throw new MalformedError(rule, `${what}: text was expected`);
  return value;
}

/**
 * A JSON integer in [minimum, maximum]. One beyond 2^53 has no use here and is refused.
 * @param {unknown} value
 * @param {string} rule
 * @param {string} what
 * @param {number} [minimum]
 * @param {number} [maximum]
 * @returns {number}
 */
export function requireInt(value, rule, what, minimum = 0, maximum = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new MalformedError(rule, `${what}: an integer was expected`);
  }
  if (value < minimum || value > maximum) throw new MalformedError(rule, `${what}: ${value} is out of range`);
  return Number(value);
}

/**
 * A canonical decimal text (no sign, no leading zero).
 * @param {unknown} text
 * @param {string} rule
 * @param {string} what
 * @returns {bigint}
 */
export function parseDecimal(text, rule, what) {
  if (typeof text !== "string" || text.length > LONGEST_DECIMAL || !/^(0|[1-9][0-9]*)$/.test(text)) {
    throw new MalformedError(rule, `${what}: a canonical decimal number was expected`);
  }
  return BigInt(text);
}

/**
 * A weight or count: a JSON number up to 2^30−1, a decimal string above (PROTOCOL §4).
 * @param {bigint} value
 * @returns {number | string}
 */
export function encodeCounter(value) {
  return value <= LARGEST_JSON_NUMBER ? Number(value) : String(value);
}

/**
 * The inverse of encodeCounter; the other spelling is refused.
 * @param {unknown} value
 * @param {string} rule
 * @param {string} what
 * @returns {bigint}
 */
export function parseCounter(value, rule, what) {
  if (typeof value !== "string") return BigInt(requireInt(value, rule, what, 0, LARGEST_JSON_NUMBER));
  const number = parseDecimal(value, rule, what);
  if (number <= LARGEST_JSON_NUMBER) {
    throw new MalformedError(rule, `${what}: a small number must not be written as text`);
  }
  return number;
}

// --- hashes, base64, Base58 ----------------------------------------------------------------------------------

/**
 * @param {Uint8Array} data
 * @returns {string} SHA-256 as 64 lower-case hex digits
 */
export function sha256Hex(data) {
  return encodeHex(sha256(data));
}

/**
 * @param {Uint8Array} data
 * @returns {string} SHA-256 in base64 without padding: 43 characters (fingerprints and trackers)
 */
export function sha256Base64(data) {
  return encodeBase64(sha256(data));
}

/**
 * @param {Uint8Array} data
 * @returns {string} standard alphabet, no padding
 */
export function encodeBase64(data) {
  let binary = "";
  for (const byte of data) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/=+$/, "");
}

/**
 * Exactly `length` bytes (any number if it is null) from unpadded standard base64 in its one canonical spelling.
 * @param {unknown} text
 * @param {string} rule
 * @param {number | null} length
 * @param {string} what
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function parseBase64(text, rule, length, what) {
  if (typeof text !== "string") throw new MalformedError(rule, `${what}: base64 text was expected`);
  // atob passes over white space and padding, which the comparison below would find too.
  if (!/^[A-Za-z0-9+/]*$/.test(text) || text.length % 4 === 1) throw new MalformedError(rule, `${what}: not base64`);
  const data = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if ((length !== null && data.length !== length) || encodeBase64(data) !== text) {
    throw new MalformedError(rule, `${what}: ${length ?? "whole"} bytes in base64 without padding were expected`);
  }
  return data;
}

/**
 * @param {unknown} text
 * @returns {text is string} whether it is 64 lower-case hex digits
 */
export function isSha256Hex(text) {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

/**
 * A hash as 64 lower-case hex digits.
 * @param {unknown} value
 * @param {string} rule
 * @param {string} what
 * @returns {string}
 */
export function requireSha256Hex(value, rule, what) {
  if (!isSha256Hex(value)) throw new MalformedError(rule, `${what}: 64 lower-case hex digits were expected`);
  return value;
}

/**
 * @param {unknown} text
 * @returns {text is string} whether it is non-empty and of the Base58 alphabet (no 0, O, I, l)
 */
export function isBase58(text) {
  return typeof text === "string" && text !== "" && [...text].every((character) => BASE58.includes(character));
}

/**
 * @param {unknown} text
 * @returns {text is string} whether it can name an election: Base58, at least 14 characters (PROTOCOL §4)
 */
export function isUuid(text) {
  return isBase58(text) && text.length >= SHORTEST_UUID;
}
