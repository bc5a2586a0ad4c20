// Partial decryptions of the tally, and the strong proofs beside them (PROTOCOL §8; D1–D5).
//
// A decryption factor F = α^x was made with the secret key of X = g^x. The *plain* proof of that is Belenios' and
// stands in the archive; its challenge covers neither α nor F. The *strong* one hashes the whole statement and stands
// in the journal (DESIGN §11). A trustee applies the key to the encrypted tally only: never to a single ballot, never
// to an element that a server chose.

import { encodeJsonBytes, parseJson, requireFields, requireInt, requireList, requireSha256Hex } from "./encoding.js";
import { RejectedError } from "./errors.js";
import { decode, GENERATOR, power, powerG, q, reduce, vartimeProductOfPowers } from "./group.js";
import { PedersenParams } from "./pedersen.js";
import { encodeProof, parseProof, prove, verify } from "./schnorr.js";
import * as transcript from "./transcript.js";

/** @typedef {import("./election.js").Election} Election */
/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./randomness.js").Coins} Coins */
/** @typedef {import("./schnorr.js").Proof} Proof */
/** @typedef {import("./tally.js").EncryptedTally} EncryptedTally */
/** @typedef {import("./trustees.js").Trustees} Trustees */

/**
 * One factor α^x and one proof per ciphertext, nested like the tally.
 * @typedef {{ factors: Element[][], proofs: Proof[][] }} PartialDecryption
 */

/**
 * Who owns the partial decryption whose record has that hash.
 * @typedef {{ owner: number, payload: string }} Owned
 */

/** @param {Owned} owned */
export function encodeOwned({ owner, payload }) {
  return encodeJsonBytes({ owner, payload });
}

/**
 * Rule D1's record.
 * @param {Uint8Array} raw
 * @returns {Owned}
 */
export function parseOwned(raw) {
  const fields = requireFields(parseJson(raw, "D1"), ["owner", "payload"], "D1");
  return {
    owner: requireInt(fields.owner, "D1", "owner", 1),
    payload: requireSha256Hex(fields.payload, "D1", "payload"),
  };
}

/**
 * A trustee's record: factors and plain proofs, as the archive wants them.
 * @param {Election} election
 * @param {EncryptedTally} tally
 * @param {bigint} secret
 * @param {Coins} coins one for each ciphertext
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function makePartialDecryption({ fingerprint }, tally, secret, coins) {
  const prefix = transcript.decryption(fingerprint, powerG(secret));
  return encodeJsonBytes({
    decryption_factors: tally.map((row) => row.map(({ alpha }) => power(alpha, secret).text)),
    decryption_proofs: tally.map((row) =>
      row.map(({ alpha }) => encodeProof(prove(prefix, [GENERATOR, alpha], secret, coins))),
    ),
  });
}

/**
 * Nested like the tally, or MalformedError.
 * @param {unknown} value
 * @param {EncryptedTally} tally
 * @param {string} rule
 * @param {string} what
 */
function parseRows(value, tally, rule, what) {
  const rows = requireList(value, rule, what, tally.length);
  return tally.map((row, place) => requireList(rows[place], rule, what, row.length));
}

/**
 * @param {unknown} value
 * @param {EncryptedTally} tally
 * @param {string} rule
 * @param {string} what
 */
function parseProofs(value, tally, rule, what) {
  return parseRows(value, tally, rule, what).map((row) => row.map((item) => parseProof(item, rule, what)));
}

/**
 * Rule D2. A factor is the identity exactly where its alpha is.
 * @param {EncryptedTally} tally
 * @param {Uint8Array} raw
 * @returns {PartialDecryption}
 */
export function parsePartialDecryption(tally, raw) {
  const fields = requireFields(parseJson(raw, "D2"), ["decryption_factors", "decryption_proofs"], "D2");
  const factors = parseRows(fields.decryption_factors, tally, "D2", "decryption factors").map((row) =>
    row.map((item) => decode(item, "D2", "decryption factor", { allowIdentity: true })),
  );
  tally.forEach((row, r) =>
    row.forEach(({ alpha }, c) => {
      if (alpha.isIdentity !== factors[r][c].isIdentity) {
        throw new RejectedError("D2", "a decryption factor cannot be right: it is 1, or ought to be");
      }
    }),
  );
  return { factors, proofs: parseProofs(fields.decryption_proofs, tally, "D2", "decryption proof") };
}

/**
 * Rule D3 on every factor.
 * @param {Election} election
 * @param {EncryptedTally} tally
 * @param {Element} publicKey
 * @param {PartialDecryption} partial
 */
export function verifyPartialDecryption({ fingerprint }, tally, publicKey, { factors, proofs }) {
  const prefix = transcript.decryption(fingerprint, publicKey);
  tally.forEach((row, r) =>
    row.forEach(({ alpha }, c) => {
      const statement = /** @type {[Element, Element][]} */ ([[GENERATOR, publicKey], [alpha, factors[r][c]]]); // prettier-ignore
      verify(prefix, statement, proofs[r][c], "D3", "the decryption proof");
    }),
  );
}

/**
 * The payload of a "strong-decryption" journal line.
 * @param {Election} election
 * @param {EncryptedTally} tally
 * @param {bigint} secret
 * @param {number} owner
 * @param {Coins} coins one for each ciphertext
 */
export function makeStrongProofs({ fingerprint }, tally, secret, owner, coins) {
  const publicKey = powerG(secret);
  return {
    owner,
    proofs: tally.map((row) =>
      row.map(({ alpha }) => {
        const prefix = transcript.strongDecryption(fingerprint, publicKey, alpha, power(alpha, secret));
        return encodeProof(prove(prefix, [GENERATOR, alpha], secret, coins));
      }),
    ),
  };
}

/**
 * Rule D4 on every factor; `value` is what makeStrongProofs returns.
 * @param {Election} election
 * @param {EncryptedTally} tally
 * @param {Element} publicKey
 * @param {PartialDecryption} partial
 * @param {unknown} value
 */
export function verifyStrongProofs({ fingerprint }, tally, publicKey, { factors }, value) {
  const fields = requireFields(value, ["owner", "proofs"], "D4");
  const proofs = parseProofs(fields.proofs, tally, "D4", "strong decryption proof");
  tally.forEach((row, r) =>
    row.forEach(({ alpha }, c) => {
      const prefix = transcript.strongDecryption(fingerprint, publicKey, alpha, factors[r][c]);
      const statement = /** @type {[Element, Element][]} */ ([[GENERATOR, publicKey], [alpha, factors[r][c]]]); // prettier-ignore
      verify(prefix, statement, proofs[r][c], "D4", "the strong decryption proof");
    }),
  );
}

/**
 * a^-1 mod q for a public number, by Fermat.
 * @param {bigint} a
 */
function invert(a) {
  let [base, exponent, result] = [reduce(a), q - 2n, 1n];
  for (; exponent; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % q;
    base = (base * base) % q;
  }
  return result;
}

/**
 * λ_index = ∏ k/(k − index) mod q over the other indices.
 * @param {readonly number[]} indices
 * @param {number} index
 * @returns {bigint}
 */
export function lagrange(indices, index) {
  return indices
    .filter((k) => k !== index)
    .reduce((result, k) => (result * BigInt(k) * invert(BigInt(k - index))) % q, 1n);
}

/**
 * ∏ of all factors (with Lagrange exponents in threshold groups); rule D5 if some are missing.
 * @param {Trustees} trustees
 * @param {EncryptedTally} tally
 * @param {ReadonlyMap<number, PartialDecryption>} partials
 * @returns {Element[][]}
 */
export function combineFactors(trustees, tally, partials) {
  const used = trustees.spans().flatMap(({ item, owners }) => {
    const needed = item instanceof PedersenParams ? item.threshold : 1;
    const chosen = owners.filter((owner) => partials.has(owner)).slice(0, needed);
    if (chosen.length < needed) {
      const last = owners[owners.length - 1];
      const who = needed === 1 ? `trustee ${owners[0]}` : `${needed} of trustees ${owners[0]}–${last}`;
      throw new RejectedError("D5", `the decryption of ${who} is missing`);
    }
    const indices = chosen.map((owner) => owner - owners[0] + 1);
    return chosen.map((owner, place) => {
      const { factors } = /** @type {PartialDecryption} */ (partials.get(owner));
      const exponent = item instanceof PedersenParams ? lagrange(indices, indices[place]) : 1n;
      return { factors, exponent };
    });
  });
  return tally.map((row, r) =>
    row.map((_, c) =>
      vartimeProductOfPowers(
        used.map(({ factors, exponent }) => /** @type {[Element, bigint]} */ ([factors[r][c], exponent])),
      ),
    ),
  );
}
