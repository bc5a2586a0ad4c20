// Election data: what is voted on, under which key (PROTOCOL §4; rule S1).
//
// The *fingerprint* is the hash of the very bytes of the election data; every ballot and every decryption names it.
// Hence the bytes are kept as they came and never written anew.

import { isObject, isUuid, parseJson, requireText, sha256Base64 } from "./encoding.js";
import { MalformedError, MisuseError, RejectedError } from "./errors.js";
import { decode, requireGroup, withTable } from "./group.js";
import { parsePresentation } from "./presentation.js";
import { HomomorphicQuestion, parseQuestions } from "./questions.js";

/** @typedef {import("./group.js").Element} Element */
/** @typedef {import("./presentation.js").Presentation} Presentation */
/** @typedef {import("./presentation.js").Texts} Texts */
/** @typedef {import("./questions.js").UnsupportedQuestion} UnsupportedQuestion */

/**
 * Parsed election data. `raw` are the published bytes, `fingerprint` their hash (base64).
 * @typedef {{
 *   uuid: string,
 *   name: string,
 *   description: string,
 *   publicKey: Element,
 *   questions: (HomomorphicQuestion | UnsupportedQuestion)[],
 *   administrator: string | null,
 *   credentialAuthority: string | null,
 *   unknownFields: string[],
 *   raw: Uint8Array,
 *   fingerprint: string,
 *   presentation: Presentation | null,
 * }} Election
 */

const REQUIRED = ["version", "description", "name", "group", "public_key", "questions", "uuid"];
const KNOWN = [...REQUIRED, "administrator", "credential_authority", "steward"];
const RULE = "S1";

/**
 * Reads election data; unknown top-level fields are kept in `unknownFields` for a warning.
 * @param {Uint8Array} raw
 * @returns {Election}
 */
export function parseElection(raw) {
  const value = parseJson(raw, RULE);
  if (!isObject(value)) throw new MalformedError(RULE, "election data: an object was expected");
  const missing = REQUIRED.find((key) => !(key in value));
  if (missing !== undefined) throw new MalformedError(RULE, `election data: field ${missing} is missing`);
  const known = Object.keys(value).filter((key) => KNOWN.includes(key));
  if (known.join() !== KNOWN.filter((key) => key in value).join()) {
    throw new MalformedError(RULE, "election data: fields are not in their order");
  }
  if (value.version !== 1) throw new MalformedError(RULE, "election data: only protocol version 1 is known");
  const { uuid } = value;
  if (!isUuid(uuid)) {
    throw new MalformedError(RULE, "election data: the uuid must be 14 or more Base58 characters");
  }
  requireGroup(value.group, RULE);
  const text = (/** @type {string} */ key) => (key in value ? requireText(value[key], RULE, key) : null);
  const [name, description] = [requireText(value.name, RULE, "name"), requireText(value.description, RULE, "description")];
  const [administrator, credentialAuthority] = [text("administrator"), text("credential_authority")];
  const questions = parseQuestions(value.questions, RULE);
  return {
    uuid,
    name,
    description,
    // Dozens of powers of the key make one ballot.
    publicKey: withTable(decode(value.public_key, RULE, "election public key", { allowIdentity: false })),
    questions,
    administrator,
    credentialAuthority,
    unknownFields: Object.keys(value).filter((key) => !KNOWN.includes(key)),
    raw,
    fingerprint: sha256Base64(raw),
    presentation: "steward" in value ? parsePresentation(value.steward, name, description, questions, RULE) : null,
  };
}

/**
 * All questions; MisuseError if one is of a kind that this version cannot handle.
 * @param {Election} election
 * @returns {HomomorphicQuestion[]}
 */
export function homomorphicQuestions({ questions }) {
  const known = questions.filter((question) => question instanceof HomomorphicQuestion);
  if (known.length !== questions.length) {
    throw new MisuseError("the election has questions of an unsupported kind");
  }
  return known;
}

/**
 * The election is the one that the voter's sheet or link names; RejectedError otherwise.
 * @param {Election} election
 * @param {string} fingerprint
 */
export function requireFingerprint(election, fingerprint) {
  if (election.fingerprint !== fingerprint) {
    throw new RejectedError("B3", "these are not the election data that your link or sheet names");
  }
}

/**
 * The election's texts in its own language, and in every other that it has.
 * @param {Election} election
 * @returns {Texts[]} the first is the election's own; its language is "" where the data do not tell
 */
export function allTexts(election) {
  const questions = homomorphicQuestions(election).map(({ question, answers }) => ({ question, answers: [...answers] }));
  const { name, description, presentation } = election;
  const own = { language: presentation?.language ?? "", name, description, questions };
  return [own, ...(presentation?.translations ?? [])];
}
