// The only road from a statement to a challenge (docs/protocol.md §3).
//
// Each function below writes one row of that table: the exact text that is hashed before the commitments.

import { sha256 } from "../vendor/noble.js";
import { bytesToNumber, utf8 } from "./encoding.js";
import { NAME, q } from "./group.js";

/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./elgamal.js").Ciphertext} Ciphertext */

/**
 * H(prefix + enc(E1) + "," + … + enc(Ek)) mod q, H = SHA-256 as a big-endian number.
 * @param {string} prefix
 * @param {readonly Element[]} commitments
 * @returns {bigint}
 */
export function challenge(prefix, commitments) {
  const text = prefix + commitments.map((commitment) => commitment.text).join(",");
  return bytesToNumber(sha256(utf8(text))) % q;
}

/**
 * Proof of knowledge of a trustee's secret key.
 * @param {Element} publicKey
 */
export function trusteeKey(publicKey) {
  return `pok|${NAME}|${publicKey.text}|`;
}

/**
 * Signature of a ballot by its credential.
 * @param {string} ballotHash
 */
export function ballotSignature(ballotHash) {
  return `sig|${ballotHash}|`;
}

/**
 * Signature of a threshold trustee's message.
 * @param {string} message
 */
export function signedMessage(message) {
  return `sigmsg|${message}|`;
}

/**
 * PROTOCOL's S0: binds every proof of a ballot to the election and to the credential.
 * @param {string} fingerprint
 * @param {Element} credential
 */
export function ballotContext(fingerprint, credential) {
  return `${fingerprint}|${credential.text}`;
}

/**
 * PROTOCOL's S: S0 and all ciphertexts of one question.
 * @param {string} ballot
 * @param {readonly Ciphertext[]} ciphertexts
 */
export function answerContext(ballot, ciphertexts) {
  return `${ballot}|${ciphertexts.map(({ alpha, beta }) => `${alpha.text},${beta.text}`).join(",")}`;
}

/**
 * One choice is 0 or 1.
 * @param {string} ballot
 * @param {Ciphertext} ciphertext
 */
export function individual(ballot, { alpha, beta }) {
  return `prove|${ballot}|${alpha.text},${beta.text}|`;
}

/**
 * The sum of the choices is between minimum and maximum (no blank vote possible).
 * @param {string} answer
 * @param {Ciphertext} sum
 */
export function overall(answer, { alpha, beta }) {
  return `prove|${answer}|${alpha.text},${beta.text}|`;
}

/**
 * Not blank, or nothing chosen.
 * @param {string} answer
 */
export function blank(answer) {
  return `bproof0|${answer}|`;
}

/**
 * Blank, or a sum between minimum and maximum.
 * @param {string} answer
 */
export function overallOrBlank(answer) {
  return `bproof1|${answer}|`;
}

/**
 * Belenios' decryption proof. It hashes neither alpha nor the factor: see strongDecryption.
 * @param {string} fingerprint
 * @param {Element} publicKey
 */
export function decryption(fingerprint, publicKey) {
  return `decrypt|${fingerprint}|${publicKey.text}|`;
}

/**
 * Steward's decryption proof: the whole statement is hashed.
 * @param {string} fingerprint
 * @param {Element} publicKey
 * @param {Element} alpha
 * @param {Element} factor
 */
export function strongDecryption(fingerprint, publicKey, alpha, factor) {
  return `steward-decrypt|${fingerprint}|${publicKey.text}|${alpha.text}|${factor.text}|`;
}

/**
 * A trustee shows before opening that the key is at hand.
 * @param {string} label
 * @param {Element} publicKey
 * @param {string} nonce
 */
export function keyDrill(label, publicKey, nonce) {
  return `steward-drill|${label}|${publicKey.text}|${nonce}|`;
}
