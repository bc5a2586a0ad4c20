// Voting credentials and the public list of them (PROTOCOL §5; rules S4, B4).
//
// A credential is a text that only its voter holds. It derives a secret exponent s, different for each election; the
// public credential g^s stands in the list that is fixed at setup.

import { sha256 } from "../vendor/noble.js";
import { BASE58, bytesToNumber, encodeHex, parseDecimal, parseJson, requireList, requireText, utf8 } from "./encoding.js";
import { MalformedError, RejectedError } from "./errors.js";
import { decode, powerG, q, sortKey } from "./group.js";
import { CREDENTIAL_GROUPS } from "./randomness.js";

/** @typedef {import("./group.js").Element} Element */

const RULE = "S4";
const LENGTH = CREDENTIAL_GROUPS.reduce((a, b) => a + b);
// White space, every kind of dash, and what cannot be seen: a phone's keyboard and a copied page put them in.
const SEPARATORS = /[\s\-\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufe58\ufe63\uff0d\ufeff]+/gu;

/**
 * What is wrong with what a person typed, for a page that says it in the person's language.
 * @param {string} text
 * @returns {{ wrong: "length", length: number } | { wrong: "characters", characters: string[] } | null}
 */
export function findTypingFault(text) {
  const characters = [...text.replace(SEPARATORS, "")];
  if (characters.length !== LENGTH) return { wrong: "length", length: characters.length };
  const unknown = [...new Set(characters.filter((character) => !BASE58.includes(character)))].sort();
  return unknown.length ? { wrong: "characters", characters: unknown } : null;
}

/**
 * What a person typed → `XXXXX-XXXXXX-XXXXX-XXXXXX`; spaces and dashes may stand anywhere.
 *
 * Throws MalformedError (rule B4) whose sentence helps: it never repeats the credential.
 * @param {string} text
 * @returns {string}
 */
export function parseCredentialText(text) {
  const fault = findTypingFault(text);
  if (fault?.wrong === "length") {
    throw new MalformedError("B4", `a credential has ${LENGTH} characters, this text has ${fault.length}`);
  }
  if (fault?.wrong === "characters") {
    const characters = fault.characters.join(" or ");
    throw new MalformedError("B4", `a credential never contains ${characters} (0, O, I and l are not used)`);
  }
  const compact = text.replace(SEPARATORS, "");
  let start = 0;
  return CREDENTIAL_GROUPS.map((length) => compact.slice(start, (start += length))).join("-");
}

/**
 * The credential's secret exponent: 512 bits of SHA-256 reduced mod q.
 * @param {string} uuid
 * @param {string} text in its groups, as parseCredentialText gives it
 * @returns {bigint}
 */
export function deriveSecret(uuid, text) {
  const halves = [0, 1].map((index) => sha256(utf8(`derive_credential|${uuid}|${index}|${text}`)));
  return bytesToNumber(new Uint8Array([...halves[0], ...halves[1]])) % q;
}

/**
 * The public credential g^s.
 * @param {string} uuid
 * @param {string} text
 * @returns {Element}
 */
export function derivePublic(uuid, text) {
  return powerG(deriveSecret(uuid, text));
}

/** The public credentials with their weights, searchable. */
export class CredentialList {
  /** @type {Map<string, bigint>} enc(credential) → weight */
  #weights = new Map();

  /**
   * @param {readonly Element[]} elements
   * @param {readonly bigint[] | null} weights
   */
  constructor(elements, weights) {
    this.hasWeights = weights !== null;
    this.totalWeight = 0n;
    elements.forEach((element, index) => {
      const weight = weights === null ? 1n : weights[index];
      this.totalWeight += weight;
      this.#weights.set(element.text, weight);
    });
    // Counts are exponents: beyond q two results would open the same tally.
    if (this.totalWeight >= q) throw new RejectedError(RULE, "the weights together are not below the group's order");
    if (this.#weights.size !== elements.length) {
      throw new RejectedError(RULE, "a public credential stands twice in the list");
    }
    const keys = elements.map((element) => encodeHex(sortKey(element)));
    this.isSorted = keys.every((key, index) => index === 0 || keys[index - 1] < key);
  }

  get length() {
    return this.#weights.size;
  }

  /**
   * The weight of a credential, or null if it is not listed.
   * @param {Element} credential
   * @returns {bigint | null}
   */
  findWeight(credential) {
    return this.#weights.get(credential.text) ?? null;
  }
}

/**
 * Reads the published list: canonical, every key a group member, none twice, no login.
 * @param {Uint8Array} raw
 * @param {(done: number, total: number) => void} [onProgress]
 * @returns {CredentialList}
 */
export function parseCredentialList(raw, onProgress) {
  /** @type {Element[]} */
  const elements = [];
  /** @type {bigint[]} */
  const weights = [];
  const items = requireList(parseJson(raw, RULE), RULE, "credentials");
  items.forEach((item, index) => {
    const what = `credential ${index + 1}`;
    const [key, ...more] = requireText(item, RULE, what).split(",");
    if (more.length > 1) throw new RejectedError(RULE, `${what}: more than a key and a weight is published (a login?)`);
    elements.push(decode(key, RULE, what, { allowIdentity: false }));
    if (more.length) weights.push(parseDecimal(more[0], RULE, `${what}: weight`));
    onProgress?.(index + 1, items.length);
  });
  if (weights.length && weights.length !== elements.length) {
    throw new MalformedError(RULE, "weights are given for some credentials but not for all");
  }
  return new CredentialList(elements, weights.length ? weights : null);
}
