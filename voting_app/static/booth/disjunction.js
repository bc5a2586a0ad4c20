// One of several ciphertexts encrypts zero: the proof behind every rule of a ballot.
//
// Letters: branch j is a pair (α_j, β_j) and claims α_j = g^x, β_j = y^x for some x (whoever builds the branch has
// already divided g^m out of β). Verifier: A_j = g^{r_j} α_j^{c_j}, B_j = y^{r_j} β_j^{c_j}; accept iff
// chal(prefix, [A_0,B_0,A_1,B_1,…]) = Σ c_j mod q. The prover simulates every branch but the true one.

import { RejectedError } from "./errors.js";
import { GENERATOR, multiply, power, powerG, q, reduce, vartimeProductOfPowers } from "./group.js";
import { challenge } from "./transcript.js";

/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./elgamal.js").Ciphertext} Ciphertext */
/** @typedef {import("./randomness.js").Coins} Coins */
/** @typedef {import("./schnorr.js").Proof} Proof */

/**
 * A branch as its maker knows it: α = g^randomness, β = y^randomness · g^message. It holds if the message is 0.
 *
 * With it α^c is g^(randomness·c), and the prover needs powers of g and y only, for which there are tables.
 * @typedef {{ randomness: bigint, message: number }} Opening
 */

/**
 * Proves that `branches[trueBranch]` holds.
 *
 * Coins, in order: for each branch in turn, w for the true one, (challenge, response) otherwise.
 * @param {Element} y
 * @param {string} prefix
 * @param {readonly Opening[]} branches
 * @param {number} trueBranch
 * @param {Coins} coins
 * @returns {Proof[]}
 */
export function prove(y, prefix, branches, trueBranch, coins) {
  let w = 0n;
  let sum = 0n;
  /** @type {Proof[]} */
  const proofs = [];
  const commitments = branches.flatMap(({ randomness, message }, index) => {
    if (index === trueBranch) {
      w = coins.scalar(q);
      proofs.push({ challenge: 0n, response: 0n });
      return [powerG(w), power(y, w)];
    }
    const proof = { challenge: coins.scalar(q), response: coins.scalar(q) };
    proofs.push(proof);
    sum += proof.challenge;
    const exponent = proof.response + randomness * proof.challenge;
    return [powerG(exponent), multiply(power(y, exponent), powerG(BigInt(message) * proof.challenge))];
  });
  const c = reduce(challenge(prefix, commitments) - sum);
  proofs[trueBranch] = { challenge: c, response: reduce(w - branches[trueBranch].randomness * c) };
  return proofs;
}

/**
 * RejectedError under `rule` unless one branch is shown to hold.
 * @param {Element} y
 * @param {string} prefix
 * @param {readonly Ciphertext[]} branches
 * @param {readonly Proof[]} proofs
 * @param {string} rule
 * @param {string} what
 */
export function verify(y, prefix, branches, proofs, rule, what) {
  if (proofs.length !== branches.length) {
    throw new RejectedError(rule, `${what} has ${proofs.length} branches instead of ${branches.length}`);
  }
  const commitments = branches.flatMap(({ alpha, beta }, index) => {
    const { challenge: c, response: r } = proofs[index];
    return [
      vartimeProductOfPowers([[GENERATOR, r], [alpha, c]]),
      vartimeProductOfPowers([[y, r], [beta, c]]),
    ];
  });
  const total = reduce(proofs.reduce((sum, proof) => sum + proof.challenge, 0n));
  if (challenge(prefix, commitments) !== total) throw new RejectedError(rule, `${what} does not hold`);
}
