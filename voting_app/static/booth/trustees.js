// The trustees of an election as the archive lists them (PROTOCOL §7; rules T1–T6, S3, S5, S6).
//
// Owners are numbered from 1 over the flattened list; a threshold group counts all its members.

import { encodeJsonBytes, parseJson, requireList, sha256Hex } from "./encoding.js";
import { MalformedError, MisuseError, ProtocolError, RejectedError } from "./errors.js";
import { product } from "./group.js";
import { encodeSignedMessage } from "./channel.js";
import { coefficientCommitment, FORM_3, parsePedersen, PedersenParams, verifyPedersen } from "./pedersen.js";
import { encodeTrusteeKey, parseTrusteeKey, verifyTrusteeKey } from "./trusteeKey.js";

/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./trusteeKey.js").TrusteeKey} TrusteeKey */
/** @typedef {TrusteeKey | PedersenParams} Item */

const RULE = "S3";

/** All trustees, as items of the record and flattened to owners. */
export class Trustees {
  /** @param {readonly Item[]} items */
  constructor(items) {
    this.items = items;
  }

  /**
   * The key of owner number n is `owners[n - 1]`.
   * @returns {TrusteeKey[]}
   */
  get owners() {
    return this.items.flatMap((item) => (item instanceof PedersenParams ? item.verificationKeys : [item]));
  }

  /** The forms of threshold groups that are older than 3.0: a warning each. */
  get oldForms() {
    return this.items.flatMap((item) => (item instanceof PedersenParams && item.form !== FORM_3 ? [item.form] : []));
  }

  /**
   * Each item with the owner numbers that it covers.
   * @returns {{ item: Item, owners: number[] }[]}
   */
  spans() {
    let start = 1;
    return this.items.map((item) => {
      const count = item instanceof PedersenParams ? item.size : 1;
      const owners = Array.from({ length: count }, (_, place) => start + place);
      start += count;
      return { item, owners };
    });
  }

  /**
   * Whether these owners together can decrypt.
   * @param {ReadonlySet<number>} present
   */
  isEnough(present) {
    return this.spans().every(({ item, owners }) => {
      const needed = item instanceof PedersenParams ? item.threshold : 1;
      return owners.filter((owner) => present.has(owner)).length >= needed;
    });
  }

  /** How many owners can decrypt, where the fewest do. */
  get needed() {
    return this.items.reduce((sum, item) => sum + (item instanceof PedersenParams ? item.threshold : 1), 0);
  }

  /**
   * What each owner must have committed to before anybody revealed: owner − 1 → hash.
   * @returns {string[]}
   */
  get commitments() {
    return this.items.flatMap((item) =>
      item instanceof PedersenParams
        ? item.coefficients.map(({ signed }) => coefficientCommitment(encodeSignedMessage(signed)))
        : [sha256Hex(encodeJsonBytes(encodeTrusteeKey(item)))],
    );
  }
}

/**
 * The trustees' record.
 * @param {readonly Item[]} items
 */
export function encodeTrustees(items) {
  if (!items.length) throw new MisuseError("an election needs a trustee");
  return encodeJsonBytes(
    items.map((item) =>
      item instanceof PedersenParams ? ["Pedersen", item.encode()] : ["Single", encodeTrusteeKey(item)],
    ),
  );
}

/**
 * @param {unknown} value
 * @returns {Item}
 */
function parseItem(value) {
  const [kind, content] = requireList(value, RULE, "trustee", 2);
  if (kind === "Single") {
    const key = parseTrusteeKey(content);
    if (key.signature !== null) throw new MalformedError(RULE, "a single trustee's key has no signature field");
    return key;
  }
  if (kind === "Pedersen") return parsePedersen(content);
  throw new MalformedError(RULE, "unknown kind of trustee");
}

/**
 * Reads the trustees' record; shapes and group elements only.
 * @param {Uint8Array} raw
 * @returns {Trustees}
 */
export function parseTrustees(raw) {
  const items = requireList(parseJson(raw, RULE), RULE, "trustees");
  if (!items.length) throw new MalformedError(RULE, "an election without trustees");
  return new Trustees(items.map(parseItem));
}

/**
 * Rules T1 (single keys), T2–T6 (threshold keys), S6 (no key stands twice).
 * @param {Trustees} trustees
 */
export function verifyTrustees(trustees) {
  for (const { item, owners } of trustees.spans()) {
    try {
      if (item instanceof PedersenParams) verifyPedersen(item);
      else verifyTrusteeKey(item);
    } catch (error) {
      const [first, last] = [owners[0], owners[owners.length - 1]];
      const where = first === last ? `trustee ${first}` : `trustees ${first}–${last}`;
      throw error instanceof ProtocolError ? error.at(where) : error;
    }
  }
  const keys = trustees.items.flatMap((item) => {
    if (!(item instanceof PedersenParams)) return [item.publicKey.text];
    const shares = item.verificationKeys.map(({ publicKey }) => publicKey.text);
    // Where one trustee is enough, each of them holds the same whole key.
    return [...(item.threshold > 1 ? shares : shares.slice(0, 1)), ...certificateKeys(item)];
  });
  if (new Set(keys).size !== keys.length) throw new RejectedError("S6", "two trustees share a key");
}

/** @param {PedersenParams} params */
function certificateKeys({ certificates }) {
  return certificates.flatMap(({ verification, encryption }) => [verification.text, encryption.text]);
}

/**
 * The product of all single keys and threshold sub-keys (rule S5).
 * @param {Trustees} trustees
 * @returns {Element}
 */
export function electionPublicKey(trustees) {
  return product(trustees.items.map(({ publicKey }) => publicKey));
}

/**
 * Rule S6 across roles: a trustee's key must not be a credential, or the election key (but for those who can decrypt
 * alone); nor may the election key be a credential.
 * @param {Trustees} trustees
 * @param {Element} electionKey
 * @param {import("./credentials.js").CredentialList} credentials
 */
export function requireDistinct(trustees, electionKey, credentials) {
  const owners = trustees.owners.map(({ publicKey }) => publicKey);
  const [first, ...others] = trustees.items;
  const oneSuffices = !others.length && (!(first instanceof PedersenParams) || first.threshold === 1);
  if (!oneSuffices && owners.some(({ text }) => text === electionKey.text)) {
    throw new RejectedError("S6", "the election key is the key of one trustee: the others cancel each other out");
  }
  const certified = trustees.items.flatMap((item) =>
    item instanceof PedersenParams ? item.certificates.flatMap((c) => [c.verification, c.encryption]) : [],
  );
  if ([...owners, electionKey, ...certified].some((key) => credentials.findWeight(key) !== null)) {
    throw new RejectedError("S6", "the key of a trustee, or of the election, is also a credential");
  }
}
