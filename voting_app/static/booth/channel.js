// Signed messages, and the sealed channel between threshold trustees (PROTOCOL §7; rule T8).
//
// The channel is off the ledger: what crosses it are shares of a key in the making. It is the form of belenios-tool
// 3.1 and later (AES-256-GCM with a 32-byte nonce), so that trustees of all three programs can make a key together.
// AES is the platform's, which browsers offer to pages that came by HTTPS or from the own computer.

import { sha256 } from "../vendor/noble.js";
import { decodeHex, encodeHex, encodeJson, parseJson, requireFields, requireText, utf8 } from "./encoding.js";
import { MalformedError, MisuseError, ProtocolError, RejectedError } from "./errors.js";
import { decode, divide, GENERATOR, multiply, power, powerG, q } from "./group.js";
import { SystemCoins } from "./randomness.js";
import { encodeProof, parseProof, prove, verify } from "./schnorr.js";
import { signedMessage } from "./transcript.js";

/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./randomness.js").Coins} Coins */
/** @typedef {import("./schnorr.js").Proof} Proof */

/**
 * A text and the proof that its author knows the key that it is attributed to.
 * @typedef {{ message: string, signature: Proof }} SignedMessage
 */

const RULE = "T8";

/** @param {SignedMessage} signed */
export function encodeSignedMessage({ message, signature }) {
  return { message, signature: encodeProof(signature) };
}

/**
 * Schnorr signature of `text`.
 * @param {bigint} signingKey
 * @param {string} text
 * @param {Coins} coins
 * @returns {Proof}
 */
export function signText(signingKey, text, coins) {
  return prove(signedMessage(text), [GENERATOR], signingKey, coins);
}

/**
 * The key must come from a certificate that was already accepted: version 1 does not hash it, so a key could be
 * computed to fit any signature (ATTACKS, key substitution).
 * @param {Element} verificationKey
 * @param {string} text
 * @param {Proof} signature
 * @param {string} rule
 * @param {string} what
 */
export function verifyText(verificationKey, text, signature, rule, what) {
  verify(signedMessage(text), [[GENERATOR, verificationKey]], signature, rule, what);
}

/**
 * `value` as canonical JSON text, signed.
 * @param {bigint} signingKey
 * @param {unknown} value
 * @param {Coins} coins
 * @returns {SignedMessage}
 */
export function signMessage(signingKey, value, coins) {
  const message = encodeJson(value);
  return { message, signature: signText(signingKey, message, coins) };
}

/**
 * `{"message", "signature"}` → SignedMessage (the signature is not yet verified).
 * @param {unknown} value
 * @param {string} rule
 * @returns {SignedMessage}
 */
export function parseSignedMessage(value, rule) {
  const fields = requireFields(value, ["message", "signature"], rule);
  return {
    message: requireText(fields.message, rule, "message"),
    signature: parseProof(fields.signature, rule, "signature"),
  };
}

/**
 * @param {Element} shared
 * @param {Element} alpha
 */
async function makeCipher(shared, alpha) {
  const { subtle } = globalThis.crypto;
  if (!subtle) throw new MisuseError("this page did not come by HTTPS, so the browser offers no encryption to it");
  const raw = sha256(utf8(`key|${shared.text}`));
  const key = await subtle.importKey("raw", new Uint8Array(raw), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { subtle, key, how: { name: "AES-GCM", iv: new Uint8Array(sha256(utf8(`iv|${alpha.text}`))) } };
}

/**
 * Signs `message` for `recipient` and seals it to that encryption key; JSON text. Coins: signature, r, shared secret.
 * @param {bigint} signingKey
 * @param {Element} recipient
 * @param {string} message
 * @param {Coins} [coins] only tests choose them
 * @returns {Promise<string>}
 */
export async function send(signingKey, recipient, message, coins = new SystemCoins()) {
  const inner = signMessage(signingKey, { recipient: recipient.text, message }, coins);
  const r = coins.scalar(q);
  const shared = powerG(coins.scalar(q));
  const alpha = powerG(r);
  const { subtle, key, how } = await makeCipher(shared, alpha);
  const data = await subtle.encrypt(how, key, utf8(encodeJson(encodeSignedMessage(inner))));
  return encodeJson({
    algorithm: "AES-GCM",
    alpha: alpha.text,
    beta: multiply(power(recipient, r), shared).text,
    data: encodeHex(new Uint8Array(data)),
  });
}

/**
 * Opens a sealed message and checks that `sender` wrote it for us; returns the message.
 * @param {bigint} decryptionKey
 * @param {Element} sender
 * @param {string} text
 * @returns {Promise<string>}
 */
export async function receive(decryptionKey, sender, text) {
  const fields = requireFields(parseJson(utf8(text), RULE), ["algorithm", "alpha", "beta", "data"], RULE);
  if (fields.algorithm !== "AES-GCM") throw new MalformedError(RULE, "a sealed message must use AES-GCM");
  const alpha = decode(fields.alpha, RULE, "sealed message: alpha", { allowIdentity: false });
  const beta = decode(fields.beta, RULE, "sealed message: beta", { allowIdentity: true });
  const { data } = fields;
  if (typeof data !== "string" || !/^(?:[0-9a-f]{2})+$/.test(data)) {
    throw new MalformedError(RULE, "sealed message: data must be hex");
  }
  const { subtle, key, how } = await makeCipher(divide(beta, power(alpha, decryptionKey)), alpha);
  let innerText;
  try {
    innerText = new Uint8Array(await subtle.decrypt(how, key, decodeHex(data)));
  } catch {
    throw new RejectedError(RULE, "a sealed message was not made for this key, or was changed");
  }
  const inner = parseSignedMessage(parseJson(innerText, RULE), RULE);
  verifyText(sender, inner.message, inner.signature, RULE, "the sender's signature");
  const content = requireFields(parseJson(utf8(inner.message), RULE), ["recipient", "message"], RULE);
  if (content.recipient !== powerG(decryptionKey).text) {
    throw new RejectedError(RULE, "a sealed message is addressed to somebody else");
  }
  return requireText(content.message, RULE, "sealed message");
}

/**
 * `receive` for a message among several: a failure says which.
 * @param {bigint} decryptionKey
 * @param {Element} sender
 * @param {unknown} text
 * @param {string} what
 * @returns {Promise<string>}
 */
export async function receiveNamed(decryptionKey, sender, text, what) {
  try {
    return await receive(decryptionKey, sender, requireText(text, RULE, "secret"));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const Family = /** @type {typeof ProtocolError} */ (error.constructor);
    throw new Family(error.rule, `${what}: ${error.detail}`, error.record);
  }
}
