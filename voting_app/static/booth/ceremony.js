// A trustee's steps with the key file: what `steward-trustee` does (audit/trustee.py), against the same lies.
//
// Each step takes the file and what the server shows, and returns the changed file and what is to be sent. Nothing is
// sent before the changed file was saved; the page sees to that. A step that was computed before and not sent, because
// the page was closed, gives the same file again.

import {
  encodeJson,
  encodeJsonBytes,
  parseBase64,
  requireInt,
  requireList,
  requireSha256Hex,
  requireText,
  sha256Hex,
  utf8,
} from "./encoding.js";
import { MalformedError, RejectedError } from "./errors.js";
import { NAME, parseScalar, powerG } from "./group.js";
import * as pedersen from "./pedersen.js";
import { newTrusteeSeed, SystemCoins } from "./randomness.js";
import { encodeTrusteeKey, generateKey, makeDrill, parseTrusteeKey } from "./trusteeKey.js";
import { makePartialDecryption, makeStrongProofs } from "./decryption.js";
import { encodeEncryptedTally } from "./tally.js";
import { encodeSignedMessage } from "./channel.js";

/** @typedef {import("./election.js").Election} Election */
/** @typedef {import("./keyfile.js").KeyFile} KeyFile */
/** @typedef {import("./randomness.js").Coins} Coins */
/** @typedef {import("./tally.js").EncryptedTally} EncryptedTally */
/** @typedef {import("./trustees.js").Trustees} Trustees */
/** @typedef {{ [name: string]: unknown }} Fields */

/**
 * What the server shows to this trustee (GET …/trustee), read as canonical JSON.
 * @typedef {{ kind: unknown, step: unknown, owner: unknown, inputs: Fields }} Inbox
 */

/**
 * The changed file, and what the step sends to the server.
 * @typedef {{ key: KeyFile, body: unknown }} Done
 */

/** A reason to go no further. `code` is for the page, which has a sentence for it in the reader's language. */
export class Refusal extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = "Refusal";
    this.code = code;
  }
}

const OTHER_CERTIFICATES = "the server shows other certificates than before: stop, and tell the committee";
const USED = "this key belongs to another ceremony; a new one needs a new key file";

/**
 * @param {unknown} a
 * @param {unknown} b
 */
function isSame(a, b) {
  return encodeJson(a) === encodeJson(b);
}

/**
 * The place in the ceremony that the server gives to this trustee.
 * @param {Fields} inputs
 */
function parsePlace(inputs) {
  const size = requireInt(inputs.size, "T8", "size", 1, 255);
  return {
    size,
    threshold: requireInt(inputs.threshold, "T8", "threshold", 1, size),
    index: requireInt(inputs.index, "T8", "index", 1, size),
  };
}

/**
 * The file is a key for this seat.
 * @param {Inbox} inbox
 * @param {KeyFile} key
 */
export function requireFitting({ kind, inputs }, key) {
  if (key.kind !== kind) throw new Refusal("other-kind", "this is the key of another kind of trustee");
  if (inputs.group !== key.group) throw new Refusal("other-group", "the key is of another group than the election");
  if (key.kind !== "threshold") return;
  const { size, threshold, index } = parsePlace(inputs);
  if (key.size !== size || key.threshold !== threshold || key.index !== index) {
    throw new Refusal("other-place", "this is another trustee's key, or it was made for another number of trustees");
  }
}

/** @param {KeyFile} key */
function seedOf({ seed }) {
  return requireText(seed, "T7", "seed");
}

/**
 * A new key for the first step of a trustee.
 * @param {Inbox} inbox
 * @param {Coins} [coins]
 * @param {string} [seed] only tests choose it
 * @returns {KeyFile}
 */
export function newKey({ kind, inputs }, coins = new SystemCoins(), seed = newTrusteeSeed()) {
  if (inputs.group !== NAME) {
    throw new Refusal("other-group", `the browser computes in ${NAME} only; use steward-trustee`);
  }
  if (kind === "threshold") return { kind, group: NAME, seed, ...parsePlace(inputs) };
  const { secret, key } = generateKey(coins);
  return { kind: "single", group: NAME, secret: String(secret), message: encodeTrusteeKey(key) };
}

// --- the steps -----------------------------------------------------------------------------------------------

/**
 * @param {KeyFile} key
 * @param {Inbox} inbox
 * @param {Coins} coins
 * @returns {Done}
 */
function certificate(key, { inputs }, coins) {
  if (key.message) throw new Refusal("used", USED);
  return { key, body: pedersen.makeCertificate(seedOf(key), parsePlace(inputs), coins) };
}

/**
 * The hash that binds this trustee before anybody shows a key.
 * @param {KeyFile} key
 */
function commitmentOf({ kind, message, secret }) {
  if (!message) throw new Refusal("not-committed", "with this key nothing was committed yet");
  if (kind === "threshold") return pedersen.coefficientCommitment(message.coefexps);
  const { publicKey } = parseTrusteeKey(message, "T7");
  if (publicKey.text !== powerG(parseScalar(secret, "T7", "secret key")).text) {
    throw new MalformedError("T7", "the file is damaged: its public key is not that of its secret");
  }
  return sha256Hex(encodeJsonBytes(message));
}

/**
 * @param {KeyFile} key
 * @param {Inbox} inbox
 * @param {Coins} coins
 * @returns {Promise<Done>}
 */
async function commitment(key, { inputs }, coins) {
  // Whoever revealed has used the key; an old commitment is never accepted again either.
  if (key.commitments) throw new Refusal("used", USED);
  let changed = key;
  if (key.kind === "threshold") {
    const certificates = requireList(inputs.certificates, "T8", "certificates", key.size);
    // The same commitment again if it was lost on the way, but never a second one for another ceremony.
    if (key.message && !isSame(key.certificates ?? [], certificates)) throw new Refusal("used", USED);
    if (!key.message) {
      const { threshold, index } = parsePlace(inputs);
      const message = await pedersen.makeCoefficients(seedOf(key), certificates, threshold, index, coins);
      changed = { ...key, message, certificates };
    }
  }
  return { key: changed, body: { commitment: commitmentOf(changed) } };
}

/**
 * Owner → commitment, of every trustee from 1 on.
 * @param {unknown} value
 * @returns {{ [owner: string]: string }}
 */
function parseCommitments(value) {
  const isNumbered =
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).every((owner, place) => owner === String(place + 1));
  if (!isNumbered) throw new MalformedError("T8", "the inbox's commitments are not numbered by trustee");
  const entries = Object.entries(value).map(([owner, item]) => [
    owner,
    requireSha256Hex(item, "T8", `commitment of trustee ${owner}`),
  ]);
  return Object.fromEntries(entries);
}

/**
 * @param {{ [owner: string]: string }} a
 * @param {{ [owner: string]: string }} b
 */
function haveSameCommitments(a, b) {
  const owners = Object.keys(a);
  return owners.length === Object.keys(b).length && owners.every((owner) => a[owner] === b[owner]);
}

/**
 * @param {KeyFile} key
 * @param {Inbox} inbox
 * @returns {Done}
 */
function reveal(key, { inputs, owner }) {
  const mine = commitmentOf(key);
  const commitments = parseCommitments(inputs.commitments);
  if (commitments[String(owner)] !== mine || Object.keys(commitments).length < (key.size ?? 1)) {
    throw new Refusal("commitment-missing", "your own commitment is missing among those that the server shows");
  }
  if (key.commitments && !haveSameCommitments(key.commitments, commitments)) {
    throw new Refusal("other-commitments", "the server shows other commitments than before: stop, and tell the committee");
  }
  return { key: { ...key, commitments }, body: key.message };
}

/**
 * @param {KeyFile} key
 * @param {Inbox} inbox
 * @param {Coins} coins
 * @returns {Promise<Done>}
 */
async function share(key, { inputs }, coins) {
  const certificates = requireList(inputs.certificates, "T8", "certificates", key.size);
  if (!key.certificates || !isSame(key.certificates, certificates)) {
    throw new Refusal("other-certificates", OTHER_CERTIFICATES);
  }
  const { threshold, index, size } = parsePlace(inputs);
  const seed = seedOf(key);
  const value = await pedersen.makeVoutput(seed, certificates, threshold, inputs.vinput, index, coins);
  const known = new Set(Object.values(key.commitments ?? {}));
  pedersen.parseVinput(inputs.vinput, size).coefexps.forEach((item, place) => {
    if (!known.has(pedersen.coefficientCommitment(item))) {
      throw new RejectedError("J6", `threshold trustee ${place + 1} revealed something not committed to`);
    }
  });
  if (key.private_key !== undefined) {
    // Computed before: the file that was saved then stays as it is.
    const [before, now] = await Promise.all(
      [key.private_key, value.private_key].map((sealed) => pedersen.openPrivateKey(seed, sealed)),
    );
    if (before !== now) throw new Refusal("other-shares", "the server shows other shares than before");
    return { key, body: { ...value, private_key: key.private_key } };
  }
  return { key: { ...key, private_key: value.private_key }, body: value };
}

/**
 * The secret exponent of a finished key.
 * @param {KeyFile} key
 * @returns {Promise<bigint>}
 */
export async function openSecret(key) {
  if (key.kind === "single") return parseScalar(key.secret, "T7", "secret key");
  if (key.private_key === undefined) {
    throw new Refusal("unfinished", "the key ceremony was not finished with this key file");
  }
  return pedersen.openPrivateKey(seedOf(key), key.private_key);
}

/**
 * The owner number of this key in the published record.
 * @param {Trustees} trustees
 * @param {bigint} secret
 */
export function requireOwn(trustees, secret) {
  const own = powerG(secret).text;
  const place = trustees.owners.findIndex(({ publicKey }) => publicKey.text === own);
  if (place < 0) throw new Refusal("not-a-trustee", "this key is not one of the election's trustees' keys");
  return place + 1;
}

/**
 * The published keys are those of the ceremony that this file knows: everybody's commitments and certificates.
 * @param {KeyFile} key
 * @param {Trustees} trustees
 * @param {number} owner
 */
export function requireSameCeremony(key, trustees, owner) {
  const published = Object.fromEntries(trustees.commitments.map((hash, place) => [String(place + 1), hash]));
  if (key.commitments && !haveSameCommitments(key.commitments, published)) {
    throw new Refusal("other-keys", "the published keys are not those that the trustees committed to");
  }
  if (!key.certificates) return;
  const span = trustees.spans().find(({ owners }) => owners.includes(owner));
  const certificates =
    span?.item instanceof pedersen.PedersenParams
      ? span.item.certificates.map(({ signed }) => encodeSignedMessage(signed))
      : [];
  if (!isSame(key.certificates, certificates)) throw new Refusal("other-certificates", OTHER_CERTIFICATES);
}

/**
 * The published election is the one that this key has been shown for.
 * @param {KeyFile} key
 * @param {string} fingerprint
 */
export function requireSameElection(key, fingerprint) {
  if (key.fingerprint !== undefined && key.fingerprint !== fingerprint) {
    throw new Refusal("other-fingerprint", "the election's fingerprint is not the one that this key was drilled for");
  }
}

/**
 * The drill. `published` is what the browser found in the published record, which must fit what the server asks for;
 * `journal` its last line.
 * @param {KeyFile} key
 * @param {Inbox} inbox
 * @param {{ election: Election, trustees: Trustees, journal: { height: number, head: string } }} published
 * @param {Coins} [coins]
 * @returns {Promise<Done>}
 */
export async function drill(key, inbox, { election, trustees, journal }, coins = new SystemCoins()) {
  requireFitting(inbox, key);
  const { fingerprint, nonce } = inbox.inputs;
  if (typeof nonce !== "string" || !/^[0-9a-f]{32,128}$/.test(nonce)) {
    throw new MalformedError("J7", "the server's challenge must be 16 to 64 bytes in hex");
  }
  parseBase64(fingerprint, "J7", 32, "fingerprint");
  requireSameElection(key, election.fingerprint);
  if (fingerprint !== election.fingerprint) {
    throw new Refusal("other-fingerprint", "the server asks about another election than the published one");
  }
  const secret = await openSecret(key);
  // Without them the published keys could not be compared with what was committed to.
  if (!Object.keys(key.commitments ?? {}).length) {
    throw new Refusal("older", "this is an older copy of the key file, from before the reveal");
  }
  const owner = requireOwn(trustees, secret);
  requireSameCeremony(key, trustees, owner);
  // What was known at the first drill stays: later it is compared with what is published then.
  const known = key.journal ? {} : { journal };
  return { key: { ...key, fingerprint: election.fingerprint, ...known }, body: makeDrill(election.fingerprint, secret, nonce, coins) };
}

/**
 * The file knows of the steps that the journal tells of its owner: an older copy would refuse no other election and no
 * second tally.
 * @param {KeyFile} key
 * @param {number} owner
 * @param {readonly import("./journal.js").JournalLine[]} lines
 */
export function requireNewest(key, owner, lines) {
  const told = new Set(lines.filter(({ payload }) => payload.owner === owner).map(({ kind }) => kind));
  if (told.has("key-drill") && key.fingerprint === undefined) {
    throw new Refusal("older", "this is an older copy of the key file, from before the drill");
  }
  if (told.has("strong-decryption") && key.decrypted === undefined) {
    throw new Refusal("older", "this is an older copy of the key file, from before it opened the sum");
  }
}

/**
 * Which tally of which election: what stands in the file as `decrypted`.
 * @param {Election} election
 * @param {EncryptedTally} tally
 */
export function tallyDigest(election, tally) {
  const raw = encodeEncryptedTally(tally);
  const label = utf8(`${election.fingerprint}|`);
  const whole = new Uint8Array(label.length + raw.length);
  whole.set(label);
  whole.set(raw, label.length);
  return sha256Hex(whole);
}

/**
 * Everything that can be known of a decryption without making it: the owner number.
 * @param {KeyFile} key
 * @param {Election} election
 * @param {Trustees} trustees
 * @param {EncryptedTally} tally that this browser computed from the ballots
 */
export async function requireDecryptable(key, election, trustees, tally) {
  requireSameElection(key, election.fingerprint);
  const secret = await openSecret(key);
  const owner = requireOwn(trustees, secret);
  requireSameCeremony(key, trustees, owner);
  if (key.decrypted !== undefined && key.decrypted !== tallyDigest(election, tally)) {
    throw new Refusal("other-tally", "this key has decrypted another tally already; a second one is refused");
  }
  return { owner, secret };
}

/**
 * Applies the key to the tally.
 * @param {KeyFile} key
 * @param {Election} election
 * @param {Trustees} trustees
 * @param {EncryptedTally} tally
 * @param {Coins} [coins]
 */
export async function decrypt(key, election, trustees, tally, coins = new SystemCoins()) {
  const { owner, secret } = await requireDecryptable(key, election, trustees, tally);
  const partial = makePartialDecryption(election, tally, secret, coins);
  const strong = makeStrongProofs(election, tally, secret, owner, coins);
  return { key: { ...key, decrypted: tallyDigest(election, tally) }, owner, partial, strong };
}

const STEPS = { certificate, commitment, reveal, share };

/**
 * A step of the ceremony before the keys are ready: certificate, commitment, reveal or share.
 * @param {Inbox} inbox
 * @param {KeyFile} key
 * @param {Coins} [coins]
 * @returns {Promise<Done>}
 */
export async function takeStep(inbox, key, coins = new SystemCoins()) {
  requireFitting(inbox, key);
  const { step } = inbox;
  if (typeof step !== "string" || !Object.hasOwn(STEPS, step)) {
    throw new Refusal("no-step", "there is nothing to do with the key now");
  }
  return STEPS[/** @type {keyof typeof STEPS} */ (step)](key, inbox, coins);
}
