// The Worker in which all of a voter's cryptography runs, so that the page stays responsive.
//
// In: {id, op, args}. Out: {id, progress: {done, total}} any number of times, then {id, result} or
// {id, error: {family, rule, message}}. `election` stays here after "prepare"; credential, seed and choices come and
// go with the operation that needs them and are stored nowhere.

import { ballotTracker, checkBallot, makeBallot, votesFromChoices } from "./ballot.js";
import { encodeChallenge, openChallenge, parseChallenge } from "./challenge.js";
import { CredentialList, derivePublic, parseCredentialText } from "./credentials.js";
import { allTexts, homomorphicQuestions, parseElection, requireFingerprint } from "./election.js";
import { utf8 } from "./encoding.js";
import { MisuseError, ProtocolError, RejectedError } from "./errors.js";
import { power, powerG } from "./group.js";
import { SeedCoins, newSeed } from "./randomness.js";
import { parseReceipt, requireReceiptFor, verifyReceipt } from "./receipt.js";
import { electionPublicKey, parseTrustees, requireDistinct, verifyTrustees } from "./trustees.js";

/** @typedef {import("./ballot.js").Choices} Choices */
/** @typedef {import("./ballot.js").OnProgress} OnProgress */
/** @typedef {import("./election.js").Election} Election */

const TEXT = new TextDecoder();

/** @type {Election | null} */
let prepared = null;

/** @returns {Election} */
function election() {
  if (prepared === null) throw new MisuseError("no election was prepared");
  return prepared;
}

/** @param {string | ArrayBuffer | Uint8Array} value a text or a file's bytes */
function bytes(value) {
  return typeof value === "string" ? utf8(value) : new Uint8Array(value);
}

/** @type {Record<string, (args: any, onProgress: OnProgress) => unknown>} */
const OPERATIONS = {
  /**
   * Reads election data, the exact bytes, and keeps them for the operations below; with the fingerprint that link or
   * sheet tells they must be the data that it names.
   * @param {{ election: string | ArrayBuffer, fingerprint?: string | null }} args
   */
  prepare({ election: raw, fingerprint }) {
    const parsed = parseElection(bytes(raw));
    if (fingerprint) requireFingerprint(parsed, fingerprint);
    const questions = homomorphicQuestions(parsed).map(({ minimum, maximum, blank }) => ({ minimum, maximum, blank }));
    prepared = parsed;
    const { uuid, presentation, fingerprint: found } = parsed;
    const { rules = null, quorumPercent = null, record = null } = presentation ?? {};
    const { isTest = false, orders = null, candidates = null } = presentation ?? {};
    const texts = allTexts(parsed);
    return { uuid, fingerprint: found, questions, texts, rules, quorumPercent, record, isTest, orders, candidates };
  },

  /**
   * The trustees' record belongs to the election: their proofs hold, and their keys together are the election's key
   * (rules T1–T6, S5, S6 but for the credentials). A server could otherwise have ballots encrypted for itself.
   * Gives how many of them must come together to open anything.
   * @param {{ trustees: string | ArrayBuffer }} args
   */
  checkTrustees({ trustees: raw }) {
    const trustees = parseTrustees(bytes(raw));
    verifyTrustees(trustees);
    const key = electionPublicKey(trustees);
    if (key.text !== election().publicKey.text) throw new RejectedError("S5", "the election key is not the trustees'");
    requireDistinct(trustees, key, new CredentialList([], null));
    return { needed: trustees.needed };
  },

  /**
   * The public credential of what a person typed, to look it up in the list.
   * @param {{ credential: string }} args
   */
  publicCredential({ credential }) {
    return { credential: derivePublic(election().uuid, parseCredentialText(credential)).text };
  },

  /**
   * Encrypts with a new seed; `code` opens the ballot on another device and must never leave this one when it is cast.
   * @param {{ credential: string, choices: Choices }} args
   * @param {OnProgress} onProgress
   */
  encrypt({ credential, choices }, onProgress) {
    const seed = newSeed();
    const votes = votesFromChoices(election(), choices);
    const raw = makeBallot(election(), parseCredentialText(credential), votes, new SeedCoins(seed), { onProgress });
    const tracker = ballotTracker(raw);
    return { ballot: TEXT.decode(raw), tracker, code: encodeChallenge({ tracker, seed, choices }) };
  },

  /**
   * On the second device: what the ballot contains, or which part of it is not what the code tells.
   * @param {{ ballot: string | ArrayBuffer, code: string }} args
   * @param {OnProgress} onProgress
   */
  checkChallenge({ ballot, code }, onProgress) {
    return openChallenge(election(), bytes(ballot), parseChallenge(code), onProgress);
  },

  /**
   * Every rule of a ballot (B1–B3, B5–B10).
   * @param {{ ballot: string | ArrayBuffer }} args
   */
  checkBallot({ ballot }) {
    const { tracker, credential } = checkBallot(election(), bytes(ballot));
    return { tracker, credential: credential.text };
  },

  /**
   * A receipt's text and signature; with `election` and `tracker` also that it is for that ballot.
   * @param {{ receipt: string | ArrayBuffer, serviceKey: string, election?: string, tracker?: string }} args
   */
  verifyReceipt({ receipt, serviceKey, election: uuid, tracker }) {
    const parsed = parseReceipt(bytes(receipt));
    requireReceiptFor(parsed, uuid ?? parsed.election, tracker ?? parsed.tracker);
    verifyReceipt(parsed, serviceKey);
    return parsed;
  },

  /**
   * Verifies a whole journal and gives its lines. Its program comes when it is asked for: who votes does not read it.
   * @param {{ journal: string | ArrayBuffer }} args
   * @param {OnProgress} onProgress
   */
  async readJournal({ journal }, onProgress) {
    const { readJournal } = await import("./journal.js");
    const { lines, reader } = readJournal(bytes(journal), onProgress);
    const { election: uuid, serviceKey, state, linesSinceSeal, head } = reader;
    return { election: uuid, serviceKey, state, linesSinceSeal, head, lines };
  },
};

/** @param {Election} election */
function warmUp({ publicKey }) {
  powerG(2n);
  power(publicKey, 2n);
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof ProtocolError) return { family: error.name, rule: error.rule, message: error.message };
  if (error instanceof Error) return { family: error.name, rule: null, message: error.message };
  return { family: "Error", rule: null, message: String(error) };
}

self.onmessage = async ({ data: { id, op, args } }) => {
  let shown = -1;
  /** @type {OnProgress} */
  const onProgress = (done, total) => {
    const percent = Math.floor((100 * done) / total);
    if (percent > shown) self.postMessage({ id, progress: { done, total } });
    shown = percent;
  };
  try {
    if (!Object.keys(OPERATIONS).includes(op)) throw new MisuseError(`the worker has no operation ${op}`);
    self.postMessage({ id, result: await OPERATIONS[op](args, onProgress) });
    // While the voter reads: the tables of g and of the key take longer to make than a short ballot.
    if (op === "prepare") warmUp(election());
  } catch (error) {
    self.postMessage({ id, error: describe(error) });
  }
};
