// Threshold keys: any t of n trustees decrypt (Pedersen's key generation; PROTOCOL §7; T2–T6, T8).
//
// Each trustee i shares a random polynomial f_i of t coefficients; the secret key of trustee j is S_j = Σ_i f_i(j), and
// the public sub-key is ∏ A_i0 with A_ik = g^{a_ik} published. Written is the 3.x form; read are also the older forms,
// which a verifier accepts with a warning: "2.0" (nothing beyond the certificates and coefficients is signed) and "2.5"
// (verification keys are not signed).
//
// `seed` is all a trustee keeps; from it come a signing and a decryption key.

import { sha256 } from "../vendor/noble.js";
import * as channel from "./channel.js";
import {
  bytesToNumber,
  encodeJson,
  encodeJsonBytes,
  parseDecimal,
  parseJson,
  requireFields,
  requireInt,
  requireList,
  requireText,
  sha256Hex,
  utf8,
} from "./encoding.js";
import { MalformedError, MisuseError, RejectedError } from "./errors.js";
import { decode, IDENTITY, multiply, NAME, powerG, product, q, reduce, vartimeProductOfPowers } from "./group.js";
import { SystemCoins } from "./randomness.js";
import { encodeProof, parseProof } from "./schnorr.js";
import { encodeTrusteeKey, makeTrusteeKey, parseTrusteeKey, verifyTrusteeKey } from "./trusteeKey.js";

/** @typedef {import("./channel.js").SignedMessage} SignedMessage */
/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./randomness.js").Coins} Coins */
/** @typedef {import("./schnorr.js").Proof} Proof */
/** @typedef {import("./trusteeKey.js").TrusteeKey} TrusteeKey */

/**
 * A trustee's verification and encryption key; `context` is null in the form of 2.0.
 * @typedef {{ size: number, threshold: number, index: number }} Context
 * @typedef {{ signed: SignedMessage, verification: Element, encryption: Element, context: Context | null }} Certificate
 */

/**
 * A trustee's published A_0 … A_{t-1}.
 * @typedef {{ signed: SignedMessage, elements: Element[] }} Coefficients
 */

/**
 * What a trustee sends at the reveal; commit to its `coefexps` before.
 * @typedef {{ polynomial: string, secrets: string[], coefexps: object, signature: object }} CoefficientsMessage
 */

export const FORM_3 = "3.0";
const FORM_25 = "2.5";
const FORM_20 = "2.0";
// Characters of a sealed text, and how many more for each coefficient of a polynomial: about twice what the widest
// group needs, whose scalars have 617 digits.
const LONGEST_SEALED = 16_384;
const LONGEST_COEFFICIENT = 2_048;

/** What the archive says about a group of threshold trustees (`["Pedersen", …]`). */
export class PedersenParams {
  /**
   * @param {number} threshold
   * @param {Certificate[]} certificates
   * @param {Coefficients[]} coefficients
   * @param {Proof[] | null} signatures
   * @param {TrusteeKey[]} verificationKeys
   */
  constructor(threshold, certificates, coefficients, signatures, verificationKeys) {
    this.threshold = threshold;
    this.certificates = certificates;
    this.coefficients = coefficients;
    this.signatures = signatures;
    this.verificationKeys = verificationKeys;
  }

  get size() {
    return this.certificates.length;
  }

  /** Which generation of the protocol made it; see the head of this file. */
  get form() {
    if (this.signatures === null) return FORM_20;
    return this.verificationKeys[0].signature === null ? FORM_25 : FORM_3;
  }

  /** The group's share of the election key: ∏ A_i0. */
  get publicKey() {
    return product(this.coefficients.map(({ elements }) => elements[0]));
  }

  encode() {
    return {
      threshold: this.threshold,
      certs: this.certificates.map(({ signed }) => channel.encodeSignedMessage(signed)),
      coefexps: this.coefficients.map(({ signed }) => channel.encodeSignedMessage(signed)),
      ...(this.signatures === null ? {} : { signatures: this.signatures.map(encodeProof) }),
      verification_keys: this.verificationKeys.map(encodeTrusteeKey),
    };
  }
}

// --- reading what the archive publishes ----------------------------------------------------------------------

/**
 * A signed message `{"context"?, "verification", "encryption"}` → Certificate (rule T2).
 * @param {unknown} value
 * @returns {Certificate}
 */
export function parseCertificate(value) {
  const signed = channel.parseSignedMessage(value, "T2");
  const order = ["context", "verification", "encryption"];
  const fields = requireFields(parseJson(utf8(signed.message), "T2"), order.slice(1), "T2", { order });
  let context = null;
  if ("context" in fields) {
    const inner = requireFields(fields.context, ["group", "size", "threshold", "index"], "T2");
    if (inner.group !== NAME) throw new RejectedError("T2", "a certificate was made for another group");
    const size = requireInt(inner.size, "T2", "certificate: size", 1);
    context = {
      size,
      threshold: requireInt(inner.threshold, "T2", "certificate: threshold", 1, size),
      index: requireInt(inner.index, "T2", "certificate: index", 1, size),
    };
  }
  return {
    signed,
    verification: decode(fields.verification, "T2", "certificate: verification key", { allowIdentity: false }),
    encryption: decode(fields.encryption, "T2", "certificate: encryption key", { allowIdentity: false }),
    context,
  };
}

/**
 * A signed message `{"coefexps": [A_0 …]}` → Coefficients (rule T3). A first coefficient of 1 would be a trustee who
 * contributes nothing.
 * @param {unknown} value
 * @returns {Coefficients}
 */
export function parseCoefficients(value) {
  const signed = channel.parseSignedMessage(value, "T3");
  const fields = requireFields(parseJson(utf8(signed.message), "T3"), ["coefexps"], "T3");
  const elements = requireList(fields.coefexps, "T3", "coefficients").map((item, number) =>
    decode(item, "T3", `coefficient ${number}`, { allowIdentity: number > 0 }),
  );
  if (!elements.length) throw new MalformedError("T3", "a trustee without coefficients");
  return { signed, elements };
}

/**
 * The `Pedersen` item of the trustees' record; shapes only, see verifyPedersen.
 * @param {unknown} value
 * @returns {PedersenParams}
 */
export function parsePedersen(value) {
  const order = ["threshold", "certs", "coefexps", "signatures", "verification_keys"];
  const required = order.filter((key) => key !== "signatures");
  const fields = requireFields(value, required, "T2", { order });
  const certificates = requireList(fields.certs, "T2", "certs").map(parseCertificate);
  const size = certificates.length;
  if (size === 0) throw new MalformedError("T2", "a threshold group without trustees");
  const signatures =
    "signatures" in fields
      ? requireList(fields.signatures, "T4", "signatures", size).map((item) =>
          parseProof(item, "T4", "signature of the certificates"),
        )
      : null;
  return new PedersenParams(
    requireInt(fields.threshold, "T2", "threshold", 1, size),
    certificates,
    requireList(fields.coefexps, "T3", "coefexps", size).map(parseCoefficients),
    signatures,
    requireList(fields.verification_keys, "T5", "verification keys", size).map((item) => parseTrusteeKey(item, "T5")),
  );
}

// --- verifying -----------------------------------------------------------------------------------------------

/**
 * Rule T2: each is signed by its own key, names its place, and no key stands twice.
 *
 * `strict` demands the context of the 3.x form; archives of 2.0 have none.
 * @param {readonly Certificate[]} certificates
 * @param {number} size
 * @param {number} threshold
 * @param {{ strict?: boolean }} [options]
 */
export function verifyCertificates(certificates, size, threshold, { strict = true } = {}) {
  if (certificates.length !== size) {
    throw new RejectedError("T2", `${size} certificates were expected, ${certificates.length} found`);
  }
  certificates.forEach(({ signed, verification, context }, place) => {
    const where = `certificate ${place + 1}`;
    channel.verifyText(verification, signed.message, signed.signature, "T2", where);
    if (context === null) {
      if (strict) throw new RejectedError("T2", `${where} does not say which key generation it is for`);
    } else if (context.size !== size || context.threshold !== threshold || context.index !== place + 1) {
      throw new RejectedError("T2", `${where} was made for another place, size or threshold`);
    }
  });
  const keys = certificates.flatMap(({ verification, encryption }) => [verification.text, encryption.text]);
  if (new Set(keys).size !== keys.length) throw new RejectedError("T2", "two certificates share a key");
}

/**
 * What a trustee signs about everybody's certificates and the own coefficients.
 * @param {readonly Certificate[]} certificates
 * @param {Coefficients} coefficients
 */
function coefficientsText(certificates, { elements }) {
  const certs = certificates.map(({ signed }) => channel.encodeSignedMessage(signed));
  return `certs_sig|${encodeJson({ certs, coefexps: elements.map(({ text }) => text) })}`;
}

/**
 * Rule T3: t coefficients, signed by that trustee.
 * @param {Certificate} certificate
 * @param {Coefficients} coefficients
 * @param {number} threshold
 * @param {string} where
 */
function verifyCoefficients({ verification }, { signed, elements }, threshold, where) {
  if (elements.length !== threshold) {
    throw new RejectedError("T3", `${where} has ${elements.length} coefficients, not ${threshold}`);
  }
  channel.verifyText(verification, signed.message, signed.signature, "T3", `the signature of ${where}`);
}

/**
 * Rule T4: the trustee saw the same certificates.
 * @param {readonly Certificate[]} certificates
 * @param {number} index from 1
 * @param {Coefficients} coefficients
 * @param {Proof} signature
 */
function verifyCertificatesSignature(certificates, index, coefficients, signature) {
  const text = coefficientsText(certificates, coefficients);
  const what = `trustee ${index}'s signature of all certificates`;
  channel.verifyText(certificates[index - 1].verification, text, signature, "T4", what);
}

/**
 * g^{S_j} = ∏_i ∏_k A_ik^{j^k}: the key of trustee `index`, computed from public values.
 * @param {readonly Coefficients[]} coefficients
 * @param {number} index
 * @returns {Element}
 */
function expectedKey(coefficients, index) {
  let result = IDENTITY;
  // Horner's rule on the product over i: Σ_k C_k j^k with C_k = ∏_i A_ik.
  for (let k = coefficients[0].elements.length - 1; k >= 0; k--) {
    const column = product(coefficients.map(({ elements }) => elements[k]));
    result = multiply(vartimeProductOfPowers([[result, BigInt(index)]]), column);
  }
  return result;
}

/**
 * Rules T5, and T6 where the key is signed.
 * @param {readonly Coefficients[]} coefficients
 * @param {Certificate} certificate
 * @param {TrusteeKey} key
 * @param {number} index
 */
function verifyThresholdKey(coefficients, certificate, key, index) {
  verifyTrusteeKey(key, "T5");
  if (key.publicKey.text !== expectedKey(coefficients, index).text) {
    throw new RejectedError("T5", `trustee ${index}'s key does not follow from the coefficients`);
  }
  if (key.signature !== null) {
    const what = `trustee ${index}'s signature of the key`;
    channel.verifyText(certificate.verification, key.publicKey.text, key.signature, "T6", what);
  }
}

/**
 * Rules T2–T6 on a published threshold group.
 * @param {PedersenParams} params
 */
export function verifyPedersen({ size, threshold, certificates, coefficients, signatures, verificationKeys }) {
  verifyCertificates(certificates, size, threshold, { strict: signatures !== null });
  coefficients.forEach((item, place) => {
    verifyCoefficients(certificates[place], item, threshold, `trustee ${place + 1}'s coefficients`);
  });
  if (signatures !== null) {
    coefficients.forEach((item, place) => {
      verifyCertificatesSignature(certificates, place + 1, item, signatures[place]);
    });
  } else if (certificates.some(({ context }) => context !== null)) {
    throw new RejectedError("T4", "certificates of the 3.x form without the signatures of that form");
  }
  const signed = verificationKeys.filter(({ signature }) => signature !== null).length;
  if ((signed && signed !== size) || (signed && signatures === null)) {
    throw new RejectedError("T6", "only some parts of the threshold key have the 3.x form");
  }
  verificationKeys.forEach((key, place) => {
    verifyThresholdKey(coefficients, certificates[place], key, place + 1);
  });
}

// --- the ceremony: a trustee's steps -------------------------------------------------------------------------

/** @param {string} seed */
function signingKeyOf(seed) {
  return bytesToNumber(sha256(utf8(`sk|${seed}`))) % q;
}

/** @param {string} seed */
function decryptionKeyOf(seed) {
  return bytesToNumber(sha256(utf8(`dk|${seed}`))) % q;
}

/**
 * Step 1 of trustee `index` (from 1): a certificate for this key generation.
 * @param {string} seed
 * @param {Context} context
 * @param {Coins} coins
 */
export function makeCertificate(seed, { size, threshold, index }, coins) {
  const signingKey = signingKeyOf(seed);
  const value = {
    context: { group: NAME, size, threshold, index },
    verification: powerG(signingKey).text,
    encryption: powerG(decryptionKeyOf(seed)).text,
  };
  return channel.encodeSignedMessage(channel.signMessage(signingKey, value, coins));
}

/**
 * What a trustee publishes before anybody reveals: SHA-256 of the signed coefficients' text.
 *
 * Without it the last trustee could choose the own coefficients after seeing the others'.
 * @param {unknown} coefficients
 * @returns {string}
 */
export function coefficientCommitment(coefficients) {
  return sha256Hex(encodeJsonBytes(coefficients));
}

/**
 * Everybody's certificates, verified, ours among them.
 * @param {string} seed
 * @param {readonly unknown[]} certificates
 * @param {number} threshold
 * @param {number} index
 * @returns {Certificate[]}
 */
function parseCertificates(seed, certificates, threshold, index) {
  const parsed = certificates.map(parseCertificate);
  verifyCertificates(parsed, parsed.length, threshold);
  if (index < 1 || index > parsed.length) throw new MisuseError(`there is no trustee ${index} of ${parsed.length}`);
  if (parsed[index - 1].verification.text !== powerG(signingKeyOf(seed)).text) {
    throw new RejectedError("T2", `certificate ${index} is not the one made from this key`);
  }
  return parsed;
}

/**
 * Step 3: a random polynomial; returns the message for the server.
 *
 * Coins: the polynomial, the signature of the coefficients, that of the certificates; `sealing` are those of the
 * sealed letters. Commit to `coefexps` with coefficientCommitment before sending the message.
 * @param {string} seed
 * @param {readonly unknown[]} certificates
 * @param {number} threshold
 * @param {number} index
 * @param {Coins} coins
 * @param {Coins} [sealing] only tests choose them
 * @returns {Promise<CoefficientsMessage>}
 */
export async function makeCoefficients(seed, certificates, threshold, index, coins, sealing = new SystemCoins()) {
  const parsed = parseCertificates(seed, certificates, threshold, index);
  const signingKey = signingKeyOf(seed);
  const polynomial = Array.from({ length: threshold }, () => coins.scalar(q));
  const elements = polynomial.map(powerG);
  const signed = channel.signMessage(signingKey, { coefexps: elements.map(({ text }) => text) }, coins);
  const share = (/** @type {number} */ j) => polynomial.reduceRight((sum, a) => (sum * BigInt(j) + a) % q, 0n);
  const seal = (/** @type {Element} */ key, /** @type {object} */ value) =>
    channel.send(signingKey, key, encodeJson(value), sealing);
  const own = await seal(parsed[index - 1].encryption, { polynomial: polynomial.map(String) });
  const secrets = [];
  for (const [place, { encryption }] of parsed.entries()) {
    secrets.push(await seal(encryption, { secret: String(share(place + 1)) }));
  }
  const text = coefficientsText(parsed, { signed, elements });
  return {
    polynomial: own,
    secrets,
    coefexps: channel.encodeSignedMessage(signed),
    signature: encodeProof(channel.signText(signingKey, text, coins)),
  };
}

/**
 * A share as the channel brings it; version 2.0 wrote sums that are not reduced mod q.
 * @param {string} text
 * @param {string} key
 */
function parseShare(text, key) {
  const fields = requireFields(parseJson(utf8(text), "T8"), [key], "T8");
  return reduce(parseDecimal(fields[key], "T8", key));
}

/**
 * A sealed text of bounded length (T8): nobody can look inside one for another, so a trustee could else make the
 * others' inboxes too large for a phone.
 * @param {unknown} value
 * @param {string} what
 * @param {number} [coefficients]
 */
function requireSealed(value, what, coefficients = 0) {
  const text = requireText(value, "T8", what);
  if (text.length > LONGEST_SEALED + coefficients * LONGEST_COEFFICIENT) {
    throw new MalformedError("T8", `${what}: the sealed text is too long`);
  }
  return text;
}

/**
 * The message of step 4, the server's: `{"polynomial", "secrets", "coefexps", "signatures"}`; shapes only.
 * @param {unknown} vinput
 * @param {number} size
 */
export function parseVinput(vinput, size) {
  const fields = requireFields(vinput, ["polynomial", "secrets", "coefexps", "signatures"], "T8");
  const [secrets, coefexps, signatures] = ["secrets", "coefexps", "signatures"].map((key) =>
    requireList(fields[key], "T8", key, size),
  );
  return { polynomial: fields.polynomial, secrets, coefexps, signatures };
}

/**
 * Step 5: checks every share and signature, returns `{"private_key", "public_key"}`.
 *
 * A share that does not fit its trustee's coefficients is a RejectedError that names the trustee.
 * @param {string} seed
 * @param {readonly unknown[]} certificates
 * @param {number} threshold
 * @param {unknown} vinput
 * @param {number} index
 * @param {Coins} coins
 * @param {Coins} [sealing] only tests choose them
 */
export async function makeVoutput(seed, certificates, threshold, vinput, index, coins, sealing = new SystemCoins()) {
  const parsed = parseCertificates(seed, certificates, threshold, index);
  const { polynomial, secrets, coefexps, signatures } = parseVinput(vinput, parsed.length);
  requireSealed(polynomial, "polynomial", threshold);
  const signingKey = signingKeyOf(seed);
  const decryptionKey = decryptionKeyOf(seed);
  let secret = 0n;
  for (const [place, certificate] of parsed.entries()) {
    const sender = place + 1;
    const where = `trustee ${sender}'s coefficients`;
    const coefficients = parseCoefficients(coefexps[place]);
    verifyCoefficients(certificate, coefficients, threshold, where);
    const signature = parseProof(signatures[place], "T4", "signature of the certificates");
    verifyCertificatesSignature(parsed, sender, coefficients, signature);
    const what = `the share of trustee ${sender}`;
    const sealed = requireSealed(secrets[place], what);
    const message = await channel.receiveNamed(decryptionKey, certificate.verification, sealed, what);
    const share = parseShare(message, "secret");
    if (powerG(share).text !== expectedKey([coefficients], index).text) {
      throw new RejectedError("T8", `${what} does not fit trustee ${sender}'s coefficients`);
    }
    secret = (secret + share) % q;
  }
  const key = makeTrusteeKey(secret, coins);
  const signature = channel.signText(signingKey, key.publicKey.text, coins);
  const own = parsed[index - 1].encryption;
  return {
    private_key: await channel.send(signingKey, own, encodeJson({ decryption_key: String(secret) }), sealing),
    public_key: encodeTrusteeKey({ ...key, signature }),
  };
}

/**
 * The secret S_j from the sealed text that the trustee kept or the server stored for it.
 * @param {string} seed
 * @param {string} privateKey
 * @returns {Promise<bigint>}
 */
export async function openPrivateKey(seed, privateKey) {
  const own = powerG(signingKeyOf(seed));
  const sealed = requireSealed(privateKey, "private_key");
  return parseShare(await channel.receive(decryptionKeyOf(seed), own, sealed), "decryption_key");
}
