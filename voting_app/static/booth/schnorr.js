// Knowledge of one secret exponent over one or more bases.
//
// Letters: secret x, bases B1…Bk, statement Xi = Bi^x. The prover draws w and commits to Ai = Bi^w; challenge
// c = chal(prefix, [A1…Ak]); response r = w − x·c mod q. The verifier recomputes Ai = Bi^r · Xi^c.

import { requireFields } from "./encoding.js";
import { RejectedError } from "./errors.js";
import { parseScalar, power, q, reduce, vartimeProductOfPowers } from "./group.js";
import { challenge } from "./transcript.js";

/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./randomness.js").Coins} Coins */

/**
 * A compact proof; both numbers in [0, q).
 * @typedef {{ challenge: bigint, response: bigint }} Proof
 */

/**
 * @param {Proof} proof
 * @returns {{ challenge: string, response: string }}
 */
export function encodeProof(proof) {
  return { challenge: String(proof.challenge), response: String(proof.response) };
}

/**
 * `{"challenge": decimal, "response": decimal}` → Proof.
 * @param {unknown} value
 * @param {string} rule
 * @param {string} what
 * @returns {Proof}
 */
export function parseProof(value, rule, what) {
  const fields = requireFields(value, ["challenge", "response"], rule);
  return {
    challenge: parseScalar(fields.challenge, rule, `${what}: challenge`),
    response: parseScalar(fields.response, rule, `${what}: response`),
  };
}

/**
 * Proves knowledge of `secret` over `bases`; takes one coin.
 * @param {string} prefix
 * @param {readonly Element[]} bases
 * @param {bigint} secret
 * @param {Coins} coins
 * @returns {Proof}
 */
export function prove(prefix, bases, secret, coins) {
  const w = coins.scalar(q);
  const c = challenge(
    prefix,
    bases.map((base) => power(base, w)),
  );
  return { challenge: c, response: reduce(w - secret * c) };
}

/**
 * Checks `statement` = [[Bi, Xi]…]; RejectedError under `rule` if it does not hold.
 * @param {string} prefix
 * @param {readonly (readonly [Element, Element])[]} statement
 * @param {Proof} proof
 * @param {string} rule
 * @param {string} what
 */
export function verify(prefix, statement, proof, rule, what) {
  const commitments = statement.map(([base, publicKey]) =>
    vartimeProductOfPowers([
      [base, proof.response],
      [publicKey, proof.challenge],
    ]),
  );
  if (challenge(prefix, commitments) !== proof.challenge) throw new RejectedError(rule, `${what} does not hold`);
}
