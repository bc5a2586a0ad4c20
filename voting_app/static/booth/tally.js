// The encrypted tally: the product of all counted ballots (PROTOCOL §8; rules C1–C3).

import { homomorphicQuestions } from "./election.js";
import { divide, encodeCiphertext, multiply, NEUTRAL, parseCiphertext, power } from "./elgamal.js";
import {
  encodeCounter,
  encodeJsonBytes,
  parseCounter,
  parseJson,
  requireFields,
  requireInt,
  requireList,
  requireSha256Hex,
} from "./encoding.js";

/** @typedef {import("./ballot.js").Ballot} Ballot */
/** @typedef {import("./elgamal.js").Ciphertext} Ciphertext */
/** @typedef {import("./election.js").Election} Election */

/**
 * One row per question, one ciphertext per choice.
 * @typedef {Ciphertext[][]} EncryptedTally
 */

/**
 * How many ballots were counted, their total weight, and the hash of the tally's record.
 * @typedef {{ numTallied: number, totalWeight: bigint, encryptedTally: string }} SizedTally
 */

/** Multiplies ballots into a tally, one at a time. */
export class TallyAccumulator {
  /** @type {EncryptedTally} */
  #rows;

  /** @param {Election} election */
  constructor(election) {
    this.#rows = homomorphicQuestions(election).map(({ choiceCount }) => Array(choiceCount).fill(NEUTRAL));
  }

  /**
   * @param {EncryptedTally} other
   * @param {typeof multiply} operation
   */
  #combine(other, operation) {
    this.#rows = this.#rows.map((row, r) => row.map((ciphertext, c) => operation(ciphertext, other[r][c])));
  }

  /**
   * Counts a verified ballot with its credential's weight.
   * @param {Ballot} ballot
   * @param {bigint} weight
   */
  add(ballot, weight) {
    if (weight) this.#combine(weighted(ballot, weight), multiply);
  }

  /**
   * Takes out a ballot that a later one of the same credential replaces.
   * @param {Ballot} ballot
   * @param {bigint} weight
   */
  remove(ballot, weight) {
    if (weight) this.#combine(weighted(ballot, weight), divide);
  }

  /**
   * Adds the tally of another part of the ballots.
   * @param {EncryptedTally} part
   */
  merge(part) {
    this.#combine(part, multiply);
  }

  /** @returns {EncryptedTally} */
  tally() {
    return this.#rows;
  }
}

/**
 * @param {Ballot} ballot
 * @param {bigint} weight
 * @returns {EncryptedTally}
 */
function weighted({ answers }, weight) {
  return answers.map(({ choices }) => choices.map((choice) => power(choice, weight)));
}

/** @param {SizedTally} sized */
export function encodeSizedTally({ numTallied, totalWeight, encryptedTally }) {
  return encodeJsonBytes({
    num_tallied: numTallied,
    total_weight: encodeCounter(totalWeight),
    encrypted_tally: encryptedTally,
  });
}

/**
 * Rule C2's record.
 * @param {Uint8Array} raw
 * @returns {SizedTally}
 */
export function parseSizedTally(raw) {
  const fields = requireFields(parseJson(raw, "C2"), ["num_tallied", "total_weight", "encrypted_tally"], "C2");
  return {
    numTallied: requireInt(fields.num_tallied, "C2", "num_tallied"),
    totalWeight: parseCounter(fields.total_weight, "C2", "total_weight"),
    encryptedTally: requireSha256Hex(fields.encrypted_tally, "C2", "encrypted_tally"),
  };
}

/**
 * Array per question of arrays of ciphertexts.
 * @param {EncryptedTally} tally
 */
export function encodeEncryptedTally(tally) {
  return encodeJsonBytes(tally.map((row) => row.map(encodeCiphertext)));
}

/**
 * Rule C1. The identity is legal here: it is the product over no ballot.
 * @param {Election} election
 * @param {Uint8Array} raw
 * @returns {EncryptedTally}
 */
export function parseEncryptedTally(election, raw) {
  const questions = homomorphicQuestions(election);
  const rows = requireList(parseJson(raw, "C1"), "C1", "encrypted tally", questions.length);
  return questions.map(({ choiceCount }, number) => {
    const what = `tally of question ${number + 1}`;
    return requireList(rows[number], "C1", what, choiceCount).map((item) =>
      parseCiphertext(item, "C1", what, { allowIdentity: true }),
    );
  });
}
