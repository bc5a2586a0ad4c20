// "Check instead of cast": a ballot is opened by its seed and the choices (docs/protocol.md, rule V4).
//
// The voter's phone shows them as a code, another device fetches the ballot by its tracker and makes it again. What a
// seed cannot tell is the signature's coin, so the signature is verified instead (ADR 0006).

import {
  ballotTracker,
  encodeAnswer,
  makeAnswers,
  parseBallot,
  verifyBallotSignature,
  votesFromChoices,
} from "./ballot.js";
import { encodeBase64, encodeJson, parseBase64 } from "./encoding.js";
import { MalformedError, MisuseError, RejectedError } from "./errors.js";
import { SEED_BYTES, SeedCoins } from "./randomness.js";

/** @typedef {import("./ballot.js").Choices} Choices */
/** @typedef {import("./ballot.js").OnProgress} OnProgress */
/** @typedef {import("./election.js").Election} Election */

/**
 * What the code says.
 * @typedef {{ tracker: string, seed: Uint8Array, choices: Choices }} Challenge
 */

const RULE = "V4";
const VERSION = "1";
// Base64 is without "." and the trackers' and seeds' lengths are fixed, so the parts cannot run into each other.
const CODE = /^1\.([A-Za-z0-9+/]{43})\.([A-Za-z0-9+/]{43})\.([0-9,;b]*)$/;
const CHOSEN = /^(b|(0|[1-9][0-9]{0,3})(,(0|[1-9][0-9]{0,3}))*)?$/;

/**
 * `1.TRACKER.SEED.CHOICES`: per question, separated by ";", the numbers of the chosen answers from 0, "b" for blank,
 * or nothing.
 * @param {Challenge} challenge
 * @returns {string}
 */
export function encodeChallenge({ tracker, seed, choices }) {
  const texts = choices.map((chosen) => (chosen === "blank" ? "b" : [...chosen].sort((a, b) => a - b).join()));
  return [VERSION, tracker, encodeBase64(seed), texts.join(";")].join(".");
}

/**
 * The inverse of encodeChallenge; MalformedError for anything else.
 * @param {string} text
 * @returns {Challenge}
 */
export function parseChallenge(text) {
  const found = CODE.exec(text);
  if (!found) throw new MalformedError(RULE, "this is not the code of a ballot that is checked");
  const [, tracker, seed, rest] = found;
  parseBase64(tracker, RULE, 32, "tracker");
  const choices = rest.split(";").map((chosen) => {
    if (!CHOSEN.test(chosen)) throw new MalformedError(RULE, "the code's choices cannot be read");
    if (chosen === "b") return /** @type {const} */ ("blank");
    return chosen === "" ? [] : chosen.split(",").map(Number);
  });
  return { tracker, seed: parseBase64(seed, RULE, SEED_BYTES, "seed"), choices };
}

/**
 * @param {Election} election
 * @param {Choices} choices
 */
function requireVotes(election, choices) {
  try {
    return votesFromChoices(election, choices);
  } catch (error) {
    if (!(error instanceof MisuseError)) throw error;
    throw new RejectedError(RULE, `these choices cannot be in a ballot of this election: ${error.message}`);
  }
}

/**
 * The ballot with exactly these choices, encrypted with exactly this seed, under its credential's signature.
 *
 * Throws what parseBallot throws, and RejectedError (V4) naming the first part that differs; B7 if the signature does
 * not hold.
 * @param {Election} election
 * @param {Uint8Array} raw
 * @param {Challenge} challenge
 * @param {OnProgress} [onProgress]
 * @returns {{ tracker: string, credential: string, choices: Choices }} what the ballot contains
 */
export function openChallenge(election, raw, { tracker, seed, choices }, onProgress) {
  if (ballotTracker(raw) !== tracker) throw new RejectedError(RULE, "this is not the ballot whose tracker was shown");
  const ballot = parseBallot(election, raw);
  const votes = requireVotes(election, choices);
  const expected = makeAnswers(election, ballot.credential, votes, new SeedCoins(seed), onProgress);
  expected.forEach((answer, index) => requireEqual(answer, ballot.answers[index], `question ${index + 1}`));
  verifyBallotSignature(ballot);
  return { tracker, credential: ballot.credential.text, choices };
}

/**
 * @param {import("./ballot.js").Answer} expected
 * @param {import("./ballot.js").Answer} found
 * @param {string} where
 */
function requireEqual(expected, found, where) {
  const same = (/** @type {unknown} */ a, /** @type {unknown} */ b) => encodeJson(a) === encodeJson(b);
  const [ours, theirs] = [encodeAnswer(expected), encodeAnswer(found)];
  const [ourChoices, theirChoices] = [/** @type {unknown[]} */ (ours.choices), /** @type {unknown[]} */ (theirs.choices)];
  ourChoices.forEach((choice, index) => {
    if (!same(choice, theirChoices[index])) {
      throw new RejectedError(RULE, `${where}: choice ${index + 1} is not encrypted as seed and choices tell`);
    }
  });
  for (const part of ["individual_proofs", "overall_proof", "blank_proof"]) {
    if (!same(ours[part] ?? null, theirs[part] ?? null)) {
      throw new RejectedError(RULE, `${where}: ${part.replace("_", " ")} is not what seed and choices make`);
    }
  }
}
