// One trustee's public key with its proof of knowledge, and the key drill (PROTOCOL §7; T1, J7).

import { parseJson, requireFields, requireText, utf8 } from "./encoding.js";
import { decode, GENERATOR, parseScalar, powerG, q } from "./group.js";
import { encodeProof, parseProof, prove, verify } from "./schnorr.js";
import * as transcript from "./transcript.js";

/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./randomness.js").Coins} Coins */
/** @typedef {import("./schnorr.js").Proof} Proof */

const RULE = "T1";
const FIELDS = ["pok", "public_key", "signature", "name"];

/**
 * X = g^x with a proof of knowledge of x. `signature` belongs to threshold keys (3.x form).
 * @typedef {{ publicKey: Element, pok: Proof, signature: Proof | null, name: string | null }} TrusteeKey
 */

/** @param {TrusteeKey} key */
export function encodeTrusteeKey({ publicKey, pok, signature, name }) {
  return {
    pok: encodeProof(pok),
    public_key: publicKey.text,
    ...(signature === null ? {} : { signature: encodeProof(signature) }),
    ...(name === null ? {} : { name }),
  };
}

/**
 * The public key of `secret` with its proof.
 * @param {bigint} secret
 * @param {Coins} coins
 * @returns {TrusteeKey}
 */
export function makeTrusteeKey(secret, coins) {
  const publicKey = powerG(secret);
  const pok = prove(transcript.trusteeKey(publicKey), [GENERATOR], secret, coins);
  return { publicKey, pok, signature: null, name: null };
}

/**
 * A new secret (never 0) and its public key.
 * @param {Coins} coins
 * @returns {{ secret: bigint, key: TrusteeKey }}
 */
export function generateKey(coins) {
  let secret = 0n;
  while (secret === 0n) secret = coins.scalar(q);
  return { secret, key: makeTrusteeKey(secret, coins) };
}

/**
 * `{"pok", "public_key", "signature"?, "name"?}` → TrusteeKey; the identity is no key.
 * @param {unknown} value
 * @param {string} [rule]
 * @returns {TrusteeKey}
 */
export function parseTrusteeKey(value, rule = RULE) {
  const fields = requireFields(value, ["pok", "public_key"], rule, { order: FIELDS });
  return {
    publicKey: decode(fields.public_key, rule, "trustee's public key", { allowIdentity: false }),
    pok: parseProof(fields.pok, rule, "trustee's proof of knowledge"),
    signature: "signature" in fields ? parseProof(fields.signature, rule, "trustee's signature") : null,
    name: "name" in fields ? requireText(fields.name, rule, "trustee's name") : null,
  };
}

/**
 * The trustee knows the secret: otherwise the last one could cancel everybody else's key.
 * @param {TrusteeKey} key
 * @param {string} [rule]
 */
export function verifyTrusteeKey({ publicKey, pok }, rule = RULE) {
  const prefix = transcript.trusteeKey(publicKey);
  verify(prefix, [[GENERATOR, publicKey]], pok, rule, "the trustee's proof of knowledge");
}

/**
 * The private key file of a single trustee as belenios-tool writes it: a JSON string with the decimal number.
 * @param {bigint} secret
 */
export function encodeSecretKey(secret) {
  return `"${secret}"`;
}

/**
 * The inverse of encodeSecretKey; space around it is allowed.
 * @param {string} text
 * @returns {bigint}
 */
export function parseSecretKey(text) {
  return parseScalar(parseJson(utf8(text.trim()), "T7"), "T7", "private key");
}

/**
 * Shows that the key is at hand, without applying it to anything that a server chose.
 * @param {string} label the election's fingerprint
 * @param {bigint} secret
 * @param {string} nonce
 * @param {Coins} coins
 */
export function makeDrill(label, secret, nonce, coins) {
  const prefix = transcript.keyDrill(label, powerG(secret), nonce);
  return encodeProof(prove(prefix, [GENERATOR], secret, coins));
}

/**
 * Rule J7. `label` is the election's fingerprint, `nonce` the one in the journal.
 * @param {string} label
 * @param {Element} publicKey
 * @param {string} nonce
 * @param {unknown} proof
 */
export function verifyDrill(label, publicKey, nonce, proof) {
  const prefix = transcript.keyDrill(label, publicKey, nonce);
  verify(prefix, [[GENERATOR, publicKey]], parseProof(proof, "J7", "key drill"), "J7", "the key drill");
}
