// Exponential ElGamal: (α, β) = (g^r, y^r·g^m). Ciphertexts multiply, their messages add.

import { requireFields } from "./encoding.js";
import * as group from "./group.js";

/** @typedef {import("./group.js").Element} Element */

/**
 * A pair of group elements under the election key.
 * @typedef {{ alpha: Element, beta: Element }} Ciphertext
 */

/**
 * @param {Ciphertext} ciphertext
 * @returns {{ alpha: string, beta: string }}
 */
export function encodeCiphertext({ alpha, beta }) {
  return { alpha: alpha.text, beta: beta.text };
}

/**
 * `{"alpha", "beta"}` → Ciphertext. β may be the identity (m = 0 does not make it so, but a sum may); α may only
 * where a product over no ballot is meant.
 * @param {unknown} value
 * @param {string} rule
 * @param {string} what
 * @param {{ allowIdentity: boolean }} options
 * @returns {Ciphertext}
 */
export function parseCiphertext(value, rule, what, { allowIdentity }) {
  const fields = requireFields(value, ["alpha", "beta"], rule);
  return {
    alpha: group.decode(fields.alpha, rule, `${what}: alpha`, { allowIdentity }),
    beta: group.decode(fields.beta, rule, `${what}: beta`, { allowIdentity: true }),
  };
}

/**
 * Encrypts g^message with the given randomness in [0, q).
 * @param {Element} y
 * @param {number} message
 * @param {bigint} randomness
 * @returns {Ciphertext}
 */
export function encrypt(y, message, randomness) {
  return {
    alpha: group.powerG(randomness),
    beta: group.multiply(group.power(y, randomness), group.powerG(BigInt(message))),
  };
}

/** The product of no ciphertext. */
export const NEUTRAL = { alpha: group.IDENTITY, beta: group.IDENTITY };

/**
 * Adds the messages.
 * @param {Ciphertext} a
 * @param {Ciphertext} b
 * @returns {Ciphertext}
 */
export function multiply(a, b) {
  return { alpha: group.multiply(a.alpha, b.alpha), beta: group.multiply(a.beta, b.beta) };
}

/**
 * Subtracts the message of b.
 * @param {Ciphertext} a
 * @param {Ciphertext} b
 * @returns {Ciphertext}
 */
export function divide(a, b) {
  return { alpha: group.divide(a.alpha, b.alpha), beta: group.divide(a.beta, b.beta) };
}

/**
 * Multiplies the message by a public number: a ballot's weight.
 * @param {Ciphertext} a
 * @param {bigint} exponent
 * @returns {Ciphertext}
 */
export function power(a, exponent) {
  if (exponent === 1n) return a;
  return {
    alpha: group.vartimeProductOfPowers([[a.alpha, exponent]]),
    beta: group.vartimeProductOfPowers([[a.beta, exponent]]),
  };
}
