// Ballots: making, reading strictly, verifying (PROTOCOL §3, §6; rules B1–B10).
//
// A ballot holds, for each question, an encrypted 0 or 1 per choice with proofs that it is one, that their sum is
// allowed, and a signature by the credential over the whole.

import { deriveSecret } from "./credentials.js";
import * as disjunction from "./disjunction.js";
import { homomorphicQuestions } from "./election.js";
import * as elgamal from "./elgamal.js";
import { encodeJsonBytes, parseJson, requireFields, requireList, sha256Base64 } from "./encoding.js";
import { MisuseError, RejectedError } from "./errors.js";
import { GENERATOR, decode, divide, powerG, q, reduce } from "./group.js";
import { SystemCoins } from "./randomness.js";
import * as schnorr from "./schnorr.js";
import * as transcript from "./transcript.js";

/** @typedef {import("./disjunction.js").Opening} Opening */
/** @typedef {import("./election.js").Election} Election */
/** @typedef {import("./elgamal.js").Ciphertext} Ciphertext */
/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./questions.js").HomomorphicQuestion} HomomorphicQuestion */
/** @typedef {import("./randomness.js").Coins} Coins */
/** @typedef {import("./schnorr.js").Proof} Proof */
/** @typedef {(done: number, total: number) => void} OnProgress */

/**
 * One question's part of a ballot; `blankProof` is there iff the question allows blank.
 * @typedef {{ choices: Ciphertext[], individualProofs: Proof[][], overallProof: Proof[], blankProof: Proof[] | null }}
 *   Answer
 */

/**
 * A parsed ballot. `raw` is the exact payload, `tracker` its hash in base64.
 * @typedef {{ credential: Element, answers: Answer[], hash: string, signature: Proof, raw: Uint8Array,
 *   tracker: string }} Ballot
 */

/**
 * Per question the 0-based chosen answers, or "blank".
 * @typedef {readonly (readonly number[] | "blank")[]} Choices
 */

const FIELDS = ["election_uuid", "election_hash", "credential", "answers", "signature"];

/**
 * What a voter keeps: base64 SHA-256 of the ballot's text, 43 characters.
 * @param {Uint8Array} raw
 */
export function ballotTracker(raw) {
  return sha256Base64(raw);
}

/**
 * @param {Answer} answer
 * @returns {Record<string, unknown>}
 */
export function encodeAnswer(answer) {
  /** @type {Record<string, unknown>} */
  const value = {
    choices: answer.choices.map(elgamal.encodeCiphertext),
    individual_proofs: answer.individualProofs.map((proofs) => proofs.map(schnorr.encodeProof)),
    overall_proof: answer.overallProof.map(schnorr.encodeProof),
  };
  if (answer.blankProof) value.blank_proof = answer.blankProof.map(schnorr.encodeProof);
  return value;
}

// --- what is proved about one question -----------------------------------------------------------------------

/**
 * The prefixes of all statements about one question's ciphertexts, and the sum of its answers.
 * @param {HomomorphicQuestion} question
 * @param {string} s0
 * @param {readonly Ciphertext[]} choices
 */
function statements(question, s0, choices) {
  const s = transcript.answerContext(s0, choices);
  const total = choices.slice(question.firstAnswer).reduce(elgamal.multiply);
  return {
    total,
    individual: choices.map((choice) => transcript.individual(s0, choice)),
    overall: question.blank ? transcript.overallOrBlank(s) : transcript.overall(s, total),
    blank: transcript.blank(s),
  };
}

/**
 * Branches "c encrypts m" for m = minimum … maximum.
 * @param {Ciphertext} c
 * @param {number} minimum
 * @param {number} maximum
 */
function minusRange({ alpha, beta }, minimum, maximum) {
  let rest = minimum ? divide(beta, powerG(BigInt(minimum))) : beta;
  const branches = [{ alpha, beta: rest }];
  for (let m = minimum; m < maximum; m++) {
    rest = divide(rest, GENERATOR);
    branches.push({ alpha, beta: rest });
  }
  return branches;
}

/**
 * The same for the maker, who knows randomness and message.
 * @param {Opening} opening
 * @param {number} minimum
 * @param {number} maximum
 */
function openedRange({ randomness, message }, minimum, maximum) {
  /** @type {Opening[]} */
  const branches = [];
  for (let m = minimum; m <= maximum; m++) branches.push({ randomness, message: message - m });
  return branches;
}

// --- making --------------------------------------------------------------------------------------------------

/**
 * Choices → per question one 0/1 per ciphertext, the blank one first.
 *
 * Throws MisuseError with a sentence for a choice that the ballot does not offer.
 * @param {Election} election
 * @param {Choices} choices
 * @returns {number[][]}
 */
export function votesFromChoices(election, choices) {
  const questions = homomorphicQuestions(election);
  requireOneEach(questions, choices);
  return questions.map((question, index) => {
    const where = `question ${index + 1}`;
    const chosen = choices[index];
    if (chosen === "blank") {
      if (!question.blank) throw new MisuseError(`${where} has no blank vote`);
      return [1, ...question.answers.map(() => 0)];
    }
    const offered = chosen.every((place) => Number.isInteger(place) && place >= 0 && place < question.answers.length);
    if (!offered || new Set(chosen).size !== chosen.length) {
      throw new MisuseError(`${where}: choices must be different numbers of its answers`);
    }
    const vote = question.answers.map((_, place) => Number(chosen.includes(place)));
    if (question.blank) vote.unshift(0);
    question.requireVote(vote, where);
    return vote;
  });
}

/**
 * @param {readonly unknown[]} questions
 * @param {readonly unknown[]} answered
 */
function requireOneEach(questions, answered) {
  if (answered.length !== questions.length) {
    throw new MisuseError(`the election has ${questions.length} questions, ${answered.length} were answered`);
  }
}

/**
 * Coins, in order: one per choice; each individual proof; the overall proof; the blank proof.
 * @param {Element} y
 * @param {HomomorphicQuestion} question
 * @param {string} s0
 * @param {readonly number[]} vote
 * @param {Coins} coins
 * @param {(steps: number) => void} step
 * @returns {Answer}
 */
function makeAnswer(y, question, s0, vote, coins, step) {
  const openings = vote.map((message) => ({ randomness: coins.scalar(q), message }));
  const choices = openings.map(({ randomness, message }) => {
    const choice = elgamal.encrypt(y, message, randomness);
    step(1);
    return choice;
  });
  const prefixes = statements(question, s0, choices);
  /** @type {(prefix: string, branches: Opening[], trueBranch: number) => Proof[]} */
  const prove = (prefix, branches, trueBranch) => {
    const proof = disjunction.prove(y, prefix, branches, trueBranch, coins);
    step(branches.length);
    return proof;
  };
  const individualProofs = openings.map((opening, index) =>
    prove(prefixes.individual[index], openedRange(opening, 0, 1), opening.message),
  );
  const total = openings.slice(question.firstAnswer).reduce((a, b) => ({
    randomness: reduce(a.randomness + b.randomness),
    message: a.message + b.message,
  }));
  const inRange = openedRange(total, question.minimum, question.maximum);
  if (!question.blank) {
    const overallProof = prove(prefixes.overall, inRange, total.message - question.minimum);
    return { choices, individualProofs, overallProof, blankProof: null };
  }
  const [first] = openings;
  const isBlank = first.message;
  const overallBranches = [{ randomness: first.randomness, message: isBlank - 1 }, ...inRange];
  const overallProof = prove(prefixes.overall, overallBranches, isBlank ? 0 : total.message - question.minimum + 1);
  const blankProof = prove(prefixes.blank, [first, total], isBlank);
  return { choices, individualProofs, overallProof, blankProof };
}

/**
 * How many steps makeAnswer tells of: a ciphertext is one, a proof has one for each branch.
 * @param {HomomorphicQuestion} question
 */
function countSteps({ choiceCount, minimum, maximum, blank }) {
  return 3 * choiceCount + (maximum - minimum + 1) + 3 * Number(blank);
}

/**
 * All answers of a ballot: everything in it that follows from seed and choices.
 * @param {Election} election
 * @param {Element} credential
 * @param {readonly (readonly number[])[]} votes one 0/1 per ciphertext, the blank one first
 * @param {Coins} coins
 * @param {OnProgress} [onProgress]
 * @returns {Answer[]}
 */
export function makeAnswers(election, credential, votes, coins, onProgress = () => {}) {
  const questions = homomorphicQuestions(election);
  requireOneEach(questions, votes);
  questions.forEach((question, index) => question.requireVote(votes[index], `question ${index + 1}`));
  const s0 = transcript.ballotContext(election.fingerprint, credential);
  const total = questions.reduce((steps, question) => steps + countSteps(question), 0);
  let done = 0;
  const step = (/** @type {number} */ steps) => onProgress((done += steps), total);
  return questions.map((question, index) =>
    makeAnswer(election.publicKey, question, s0, votes[index], coins, step),
  );
}

/**
 * Encrypts, proves and signs; returns the ballot's exact text.
 *
 * `coins` may follow from a seed that the voter shows to a second device; `signing` gives the signature's one coin
 * and must be nobody's knowledge ever: with it the signature tells the credential's secret (ADR 0006).
 * @param {Election} election
 * @param {string} credentialText
 * @param {readonly (readonly number[])[]} votes one 0/1 per ciphertext, the blank one first
 * @param {Coins} coins
 * @param {{ onProgress?: OnProgress, signing?: Coins }} [options] only tests choose `signing`
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function makeBallot(election, credentialText, votes, coins, { onProgress, signing = new SystemCoins() } = {}) {
  if (signing === coins) throw new MisuseError("a ballot's signature needs coins of its own");
  const secret = deriveSecret(election.uuid, credentialText);
  const credential = powerG(secret);
  const answers = makeAnswers(election, credential, votes, coins, onProgress);
  const unsigned = {
    election_uuid: election.uuid,
    election_hash: election.fingerprint,
    credential: credential.text,
    answers: answers.map(encodeAnswer),
  };
  const hash = sha256Base64(encodeJsonBytes(unsigned));
  const signature = schnorr.prove(transcript.ballotSignature(hash), [GENERATOR], secret, signing);
  return encodeJsonBytes({ ...unsigned, signature: { hash, proof: schnorr.encodeProof(signature) } });
}

// --- reading -------------------------------------------------------------------------------------------------

/**
 * @param {unknown} value
 * @param {string} what
 */
function parseProofs(value, what) {
  return requireList(value, "B1", what).map((item) => schnorr.parseProof(item, "B1", what));
}

/**
 * @param {HomomorphicQuestion} question
 * @param {unknown} value
 * @param {string} what
 * @returns {Answer}
 */
function parseAnswer(question, value, what) {
  const names = ["choices", "individual_proofs", "overall_proof", ...(question.blank ? ["blank_proof"] : [])];
  const fields = requireFields(value, names, "B1");
  const count = question.choiceCount;
  const choices = requireList(fields.choices, "B1", `${what}: choices`, count).map((item, index) =>
    elgamal.parseCiphertext(item, "B5", `${what}, choice ${index + 1}`, { allowIdentity: false }),
  );
  const proofs = requireList(fields.individual_proofs, "B1", `${what}: proofs of the choices`, count);
  return {
    choices,
    individualProofs: proofs.map((item, index) => parseProofs(item, `${what}: proof of choice ${index + 1}`)),
    overallProof: parseProofs(fields.overall_proof, `${what}: overall proof`),
    blankProof: question.blank ? parseProofs(fields.blank_proof, `${what}: blank proof`) : null,
  };
}

/**
 * Exact payload bytes → Ballot; rules B1 (text), B2 (uuid), B3 (fingerprint), B5 (elements), B6 (hash).
 *
 * That no field, key order or number spelling is free closes the covert channel that opaque answers would be.
 * @param {Election} election
 * @param {Uint8Array} raw
 * @returns {Ballot}
 */
export function parseBallot(election, raw) {
  const value = requireFields(parseJson(raw, "B1"), FIELDS, "B1");
  if (value.election_uuid !== election.uuid) throw new RejectedError("B2", "the ballot names another election");
  if (value.election_hash !== election.fingerprint) {
    throw new RejectedError("B3", "the ballot was made for other election data (fingerprint differs)");
  }
  const questions = homomorphicQuestions(election);
  const credential = decode(value.credential, "B5", "credential", { allowIdentity: false });
  const answers = requireList(value.answers, "B1", "answers", questions.length);
  const fields = requireFields(value.signature, ["hash", "proof"], "B1");
  const parsed = answers.map((item, index) => parseAnswer(questions[index], item, `question ${index + 1}`));
  const signature = schnorr.parseProof(fields.proof, "B1", "signature");
  // What was hashed and signed is the text without its last field.
  const unsigned = Object.fromEntries(FIELDS.slice(0, -1).map((field) => [field, value[field]]));
  const hash = sha256Base64(encodeJsonBytes(unsigned));
  if (fields.hash !== hash) throw new RejectedError("B6", "the hash in the signature is not the ballot's");
  return { credential, answers: parsed, hash, signature, raw, tracker: ballotTracker(raw) };
}

// --- verifying -----------------------------------------------------------------------------------------------

/**
 * Rule B7: the ballot's credential signed it.
 * @param {Ballot} ballot
 */
export function verifyBallotSignature(ballot) {
  const prefix = transcript.ballotSignature(ballot.hash);
  schnorr.verify(prefix, [[GENERATOR, ballot.credential]], ballot.signature, "B7", "the signature");
}

/**
 * Rules B7 (signature), B8 (choices), B9 (overall), B10 (blank); throws RejectedError.
 *
 * That the credential is listed (B4) and the ballot not a copy (B11) is the ledger's business.
 * @param {Election} election
 * @param {Ballot} ballot
 */
export function verifyBallot(election, ballot) {
  verifyBallotSignature(ballot);
  const y = election.publicKey;
  const s0 = transcript.ballotContext(election.fingerprint, ballot.credential);
  homomorphicQuestions(election).forEach((question, number) => {
    const where = `question ${number + 1}`;
    const { choices, individualProofs, overallProof, blankProof } = ballot.answers[number];
    const prefixes = statements(question, s0, choices);
    individualProofs.forEach((proofs, index) => {
      const what = `${where}: the proof of choice ${index + 1}`;
      disjunction.verify(y, prefixes.individual[index], minusRange(choices[index], 0, 1), proofs, "B8", what);
    });
    const inRange = minusRange(prefixes.total, question.minimum, question.maximum);
    const [first] = choices;
    const isBlank = { alpha: first.alpha, beta: divide(first.beta, GENERATOR) };
    const branches = question.blank ? [isBlank, ...inRange] : inRange;
    disjunction.verify(y, prefixes.overall, branches, overallProof, "B9", `${where}: the overall proof`);
    if (blankProof) {
      disjunction.verify(y, prefixes.blank, [first, prefixes.total], blankProof, "B10", `${where}: the blank proof`);
    }
  });
}

/**
 * Reads and verifies in one step.
 * @param {Election} election
 * @param {Uint8Array} raw
 * @returns {Ballot}
 */
export function checkBallot(election, raw) {
  const ballot = parseBallot(election, raw);
  verifyBallot(election, ballot);
  return ballot;
}
