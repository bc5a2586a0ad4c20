// All randomness: the only file that asks the platform's generator.
//
// Code that needs a random scalar takes *coins*. SystemCoins draws from the platform; SeedCoins derives every coin
// of one ballot from a 32-byte seed, so that a voter can have the ballot opened by seed and choices ("check instead
// of cast", docs/protocol.md §7.5).

import { sha512 } from "../vendor/noble.js";
import { BASE58, bytesToNumber, encodeHex, utf8 } from "./encoding.js";
import { MisuseError } from "./errors.js";

export const SEED_BYTES = 32;
/** How the 22 characters of a credential are grouped. */
export const CREDENTIAL_GROUPS = [5, 6, 5, 6];
const TRUSTEE_SEED_LENGTH = 22;

/**
 * A source of uniform scalars.
 * @typedef {{ scalar(q: bigint): bigint }} Coins
 */

/**
 * @param {number} count
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function randomBytes(count) {
  return globalThis.crypto.getRandomValues(new Uint8Array(count));
}

/**
 * A uniform number in [0, q). Draws as many bits as q has until they are below q: no residue is more likely.
 * @param {bigint} q
 * @returns {bigint}
 */
function randomBelow(q) {
  const bits = q.toString(2).length;
  const bytes = Math.ceil(bits / 8);
  for (;;) {
    const drawn = bytesToNumber(randomBytes(bytes)) >> BigInt(8 * bytes - bits);
    if (drawn < q) return drawn;
  }
}

/** Coins from the platform's generator. */
export class SystemCoins {
  /**
   * The next coin, in [0, q).
   * @param {bigint} q
   * @returns {bigint}
   */
  scalar(q) {
    return randomBelow(q);
  }
}

/** coin(i) = SHA-512("steward-coin|" + hex(seed) + "|" + i) mod q, for i = 0, 1, 2, … */
export class SeedCoins {
  #prefix;
  #next = 0;

  /** @param {Uint8Array} seed */
  constructor(seed) {
    if (seed.length !== SEED_BYTES) throw new MisuseError(`a seed has ${SEED_BYTES} bytes, not ${seed.length}`);
    this.#prefix = `steward-coin|${encodeHex(seed)}|`;
  }

  /**
   * The next coin, in [0, q). One SHA-512 is enough for the browser's group, whose q has 253 bits.
   * @param {bigint} q
   * @returns {bigint}
   */
  scalar(q) {
    const digest = sha512(utf8(`${this.#prefix}${this.#next}`));
    this.#next += 1;
    return bytesToNumber(digest) % q;
  }
}

/** @returns {Uint8Array<ArrayBuffer>} 32 random bytes: the seed of a ballot's coins */
export function newSeed() {
  return randomBytes(SEED_BYTES);
}

/**
 * @param {number} length
 * @returns {string} that many random characters of the Base58 alphabet (5.86 bits each)
 */
export function newBase58(length) {
  let text = "";
  while (text.length < length) text += BASE58[Number(randomBelow(BigInt(BASE58.length)))];
  return text;
}

/** @returns {string} a threshold trustee's seed: 22 Base58 characters, 128 bits (PROTOCOL §7) */
export function newTrusteeSeed() {
  return newBase58(TRUSTEE_SEED_LENGTH);
}

/**
 * @param {number} count
 * @returns {string} that many random bytes in hex
 */
export function newHex(count) {
  return encodeHex(randomBytes(count));
}
