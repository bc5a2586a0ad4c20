// The tally as a trustee must see it before applying a key: recomputed from the published record, never taken on trust.
//
// A Box takes the archive's bytes as they come and checks chain, setup, list, copies and finality (A1–A7, S1–S6, T1–T6,
// B4, B11, B12).
// What costs time, the ballots' proofs (B1–B10), is done afterwards in parts that several Workers can share; `recount`
// then compares the product of the counted ballots with the published tally (C1–C3), verifies the decryptions that are
// there (D1–D3), and the journal with the box (J7–J9). Nothing here uses a key.

import { RecordParser } from "./archive.js";
import { parseBallot, verifyBallot } from "./ballot.js";
import { parseCredentialList } from "./credentials.js";
import { parseOwned, parsePartialDecryption, verifyPartialDecryption, verifyStrongProofs } from "./decryption.js";
import { homomorphicQuestions, parseElection } from "./election.js";
import { encodeHex, equalBytes, parseBase64, sha256Hex } from "./encoding.js";
import { MalformedError, MisuseError, ProtocolError, RejectedError } from "./errors.js";
import { EntryReader } from "./record.js";
import { encodeEncryptedTally, parseEncryptedTally, parseSizedTally, TallyAccumulator } from "./tally.js";
import { electionPublicKey, parseTrustees, requireDistinct, verifyTrustees } from "./trustees.js";
import { verifyDrill } from "./trusteeKey.js";

/** @typedef {import("./credentials.js").CredentialList} CredentialList */
/** @typedef {import("./decryption.js").PartialDecryption} PartialDecryption */
/** @typedef {import("./election.js").Election} Election */
/** @typedef {import("./journal.js").JournalLine} JournalLine */
/** @typedef {import("./journal.js").JournalReader} JournalReader */
/** @typedef {import("./record.js").Entry} Entry */
/** @typedef {import("./tally.js").EncryptedTally} EncryptedTally */
/** @typedef {import("./trustees.js").Trustees} Trustees */

/**
 * What the first event fixes for everything after it.
 * @typedef {{ election: Election, trustees: Trustees, credentials: CredentialList, trusteesHash: string,
 *   credentialsHash: string }} Setup
 */

/**
 * Where a ballot's text stands in the archive, and what its first bytes say of its credential.
 * @typedef {{ height: number, offset: number, length: number, credential: string }} Place
 */

/**
 * A ballot to verify: `weight` is 0 where a later one of the same credential counts.
 * @typedef {{ height: number, offset: number, length: number, credential: string, weight: string }} Task
 */

const HEADER = 512;
// B1 fixes the order of the fields, so that the credential can be told before the whole is read; verifyPart compares.
const CREDENTIAL = /^\{"election_uuid":"[^"]{1,100}","election_hash":"[^"]{1,100}","credential":"([0-9a-f]{64})",/;
const LONGEST_START = 400;

/** The published record of one election, as far as it was read. */
export class Box {
  #parser = new RecordParser();
  #entries = new EntryReader();
  /** Hashes of all ballots: their trackers in hex. @type {Set<string>} */
  #seen = new Set();
  /** The hash of each event. @type {string[]} */
  heads = [];
  /** @type {Setup | null} */
  #setup = null;
  /** @type {Place[]} */
  ballots = [];
  /** Credential → place in `ballots` of the one that counts. @type {Map<string, number>} */
  last = new Map();
  /** The height of the first ballot that replaces another. @type {number | null} */
  revotedAt = null;
  /** @type {{ raw: Uint8Array, sized: Uint8Array } | null} */
  tally = null;
  /** Owner → the record of the partial decryption. @type {Map<number, Uint8Array>} */
  partials = new Map();

  /** @returns {Setup} */
  get setup() {
    if (this.#setup === null) throw new MalformedError("A7", "the archive has no Setup yet");
    return this.#setup;
  }

  get hasSetup() {
    return this.#setup !== null;
  }

  get state() {
    return this.#entries.state;
  }

  get height() {
    return this.#entries.height;
  }

  /** How many bytes of the archive were read. */
  get length() {
    return this.#parser.offset;
  }

  /**
   * The next bytes of the archive.
   * @param {Uint8Array} chunk
   */
  feed(chunk) {
    for (const record of this.#parser.feed(chunk)) {
      const entry = this.#entries.feed(record);
      if (entry !== null) this.#take(entry);
    }
  }

  /** The end of what there is by now; more may follow. */
  close() {
    this.#parser.close();
    this.#entries.close();
  }

  /** @param {Entry} entry */
  #take(entry) {
    const { event, hash, data } = entry;
    this.heads.push(hash);
    if (event.type === "Setup") this.#setup = readSetup(data);
    else if (event.type === "Ballot") this.#takeBallot(entry);
    else if (event.type === "EncryptedTally") this.tally = { raw: data[0], sized: data[1] };
    else if (event.type === "PartialDecryption") this.#takePartial(data);
  }

  /** @param {Entry} entry */
  #takeBallot({ event, data, dataOffset }) {
    const [raw] = data;
    const { height } = event;
    const where = `ballot at height ${height}`;
    const start = String.fromCharCode(...raw.subarray(0, LONGEST_START));
    const credential = CREDENTIAL.exec(start)?.[1];
    if (credential === undefined) throw new MalformedError("B1", "it does not begin like a ballot", where);
    if (findWeight(this.setup.credentials, credential) === null) {
      throw new RejectedError("B4", "its credential is not in the list", where);
    }
    const digest = String(event.payload);
    if (this.#seen.has(digest)) throw new RejectedError("B11", "the same ballot was already cast", where);
    this.#seen.add(digest);
    if (this.last.has(credential)) {
      this.revotedAt ??= height;
      if (this.setup.election.presentation?.record?.revotes === false) {
        throw new RejectedError("B12", "votes are final, but it replaces another", where);
      }
    }
    this.last.set(credential, this.ballots.length);
    this.ballots.push({ height, offset: dataOffset + HEADER, length: raw.length, credential });
  }

  /** @param {Uint8Array[]} data */
  #takePartial([raw, owned]) {
    const { owner } = parseOwned(owned);
    if (owner > this.setup.trustees.owners.length) throw new RejectedError("D1", `there is no trustee ${owner}`);
    if (this.partials.has(owner)) throw new RejectedError("D1", `trustee ${owner} decrypted twice`);
    this.partials.set(owner, raw);
  }

  /**
   * Whether a ballot with this tracker is in the box.
   * @param {string} tracker
   */
  hasBallot(tracker) {
    return this.#seen.has(encodeHex(parseBase64(tracker, "J3", 32, "tracker")));
  }

  /**
   * All ballots, as tasks for verifyPart.
   * @returns {Task[]}
   */
  tasks() {
    return this.ballots.map((place, number) => {
      const counts = this.last.get(place.credential) === number;
      return { ...place, weight: counts ? String(findWeight(this.setup.credentials, place.credential)) : "0" };
    });
  }
}

/**
 * @param {CredentialList} credentials
 * @param {string} text enc(credential)
 */
function findWeight(credentials, text) {
  return credentials.findWeight(/** @type {import("./group.js").Element} */ ({ text }));
}

/**
 * Reads and verifies the Setup entry (S1, S3–S6, T1–T6; record.js compared the hashes, S2).
 * @param {Uint8Array[]} data
 * @returns {Setup}
 */
function readSetup([rawElection, rawTrustees, rawCredentials]) {
  const election = parseElection(rawElection);
  homomorphicQuestions(election);
  const trustees = parseTrustees(rawTrustees);
  verifyTrustees(trustees);
  if (electionPublicKey(trustees).text !== election.publicKey.text) {
    throw new RejectedError("S5", "the election key is not the product of the trustees' keys");
  }
  const credentials = parseCredentialList(rawCredentials);
  requireDistinct(trustees, election.publicKey, credentials);
  return {
    election,
    trustees,
    credentials,
    trusteesHash: sha256Hex(rawTrustees),
    credentialsHash: sha256Hex(rawCredentials),
  };
}

// --- ballots -------------------------------------------------------------------------------------------------

/**
 * Every rule that concerns one ballot alone (B1–B3, B5–B10), for a part of the ballots; the product of those that count.
 * @param {Election} election
 * @param {readonly Task[]} tasks
 * @param {(task: Task) => Uint8Array} textOf
 * @param {() => void} [onBallot]
 * @returns {EncryptedTally}
 */
export function verifyPart(election, tasks, textOf, onBallot = () => {}) {
  const accumulator = new TallyAccumulator(election);
  for (const task of tasks) {
    try {
      const ballot = parseBallot(election, textOf(task));
      if (ballot.credential.text !== task.credential) throw new RejectedError("B1", "it has two credentials");
      verifyBallot(election, ballot);
      accumulator.add(ballot, BigInt(task.weight));
    } catch (error) {
      throw error instanceof ProtocolError ? error.at(`ballot at height ${task.height}`) : error;
    }
    onBallot();
  }
  return accumulator.tally();
}

/**
 * The product of the parts, compared with what is published (C1–C3); the decryptions that are there (D2, D3).
 * @param {Box} box
 * @param {readonly EncryptedTally[]} parts of all ballots, verified
 * @returns {EncryptedTally} what this program computed
 */
export function compareTally(box, parts) {
  const { election, trustees, credentials } = box.setup;
  if (box.tally === null) throw new MisuseError("there is no tally to compare yet");
  const accumulator = new TallyAccumulator(election);
  for (const part of parts) accumulator.merge(part);
  const own = accumulator.tally();
  parseEncryptedTally(election, box.tally.raw);
  const { numTallied, totalWeight } = parseSizedTally(box.tally.sized);
  const weight = [...box.last.keys()].reduce((sum, key) => sum + (findWeight(credentials, key) ?? 0n), 0n);
  if (numTallied !== box.last.size || totalWeight !== weight) {
    const said = `${numTallied} ballots of weight ${totalWeight} are said to count`;
    throw new RejectedError("C2", `${said}, but it is ${box.last.size} of weight ${weight}`, "sized tally");
  }
  if (!equalBytes(encodeEncryptedTally(own), box.tally.raw)) {
    throw new RejectedError("C3", "it is not the product of the counted ballots", "encrypted tally");
  }
  for (const [owner, raw] of box.partials) {
    try {
      const partial = parsePartialDecryption(own, raw);
      verifyPartialDecryption(election, own, trustees.owners[owner - 1].publicKey, partial);
    } catch (error) {
      throw error instanceof ProtocolError ? error.at(`partial decryption of trustee ${owner}`) : error;
    }
  }
  return own;
}

// --- the journal ---------------------------------------------------------------------------------------------

/**
 * Rule J8: every line names an event that the box has.
 * @param {Box} box
 * @param {readonly JournalLine[]} lines
 */
function requireHeads(box, lines) {
  for (const { height, boxHeight, boxHead } of lines) {
    const where = `journal line ${height}`;
    if (boxHeight > box.height) {
      throw new RejectedError("J8", "it names an event that the ballot box does not have", where);
    }
    if (boxHeight >= 0 && box.heads[boxHeight] !== boxHead) {
      throw new RejectedError("J8", `the ballot box has another event at ${boxHeight}`, where);
    }
  }
}

/**
 * Rule J7: before opening, every single trustee and t of each threshold group proved to hold the key.
 * @param {Setup} setup
 * @param {readonly JournalLine[]} lines
 */
function requireDrills({ election, trustees }, lines) {
  /** @type {Set<number>} */
  const drilled = new Set();
  for (const { height, kind, payload } of lines) {
    const where = `journal line ${height}`;
    if (kind === "key-drill") {
      const owner = Number(payload.owner);
      if (owner > trustees.owners.length) throw new RejectedError("J7", `there is no trustee ${owner}`, where);
      verifyDrill(election.fingerprint, trustees.owners[owner - 1].publicKey, String(payload.nonce), payload.proof);
      drilled.add(owner);
    } else if (kind === "opened" && !trustees.isEnough(drilled)) {
      throw new RejectedError("J7", "opened before enough trustees had passed the key drill", where);
    }
  }
}

/**
 * Rule J9: the journal is of the service key that the election data name, and says of final votes what they say. Data
 * that name none say nothing that could be contradicted.
 * @param {Election} election
 * @param {readonly JournalLine[]} lines
 */
export function requireRecordTerms({ presentation }, lines) {
  const terms = presentation?.record;
  if (!terms) return;
  for (const { height, kind, payload } of lines) {
    const where = `journal line ${height}`;
    if (kind === "journal" && payload.service_key !== terms.serviceKey) {
      throw new RejectedError("J9", "its service key is not the one that the election data name", where);
    }
    if (kind === "opened" && payload.revotes !== terms.revotes) {
      throw new RejectedError("J9", "it does not say what the election data say of final votes", where);
    }
  }
}

/**
 * Rule J9 for one line.
 * @param {Box} box
 * @param {JournalLine} line
 * @param {number | null} members
 */
function requireTruth(box, { kind, payload, boxHeight }, members) {
  const { election, credentials, trusteesHash } = box.setup;
  if (kind === "journal" && payload.election !== election.uuid) {
    throw new RejectedError("J9", "the journal belongs to another election");
  }
  if (kind === "credentials-published") {
    if (payload.count !== credentials.length) {
      throw new RejectedError("J9", "the published credentials are not those of the ballot box");
    }
    if (members !== null && payload.count !== members) {
      throw new RejectedError("J9", `${payload.count} credentials for a roll of ${members} members`);
    }
  }
  if (kind === "keys-ready" && (payload.trustees !== trusteesHash || payload.fingerprint !== election.fingerprint)) {
    throw new RejectedError("J9", "the keys declared ready are not those of the ballot box");
  }
  if (kind === "opened") {
    if (boxHeight !== 0) throw new RejectedError("J9", "opened when the ballot box was not fresh");
    if (!payload.revotes && box.revotedAt !== null) {
      throw new RejectedError("J9", `votes are final, but the ballot at height ${box.revotedAt} replaces another`);
    }
  }
  if (kind === "ballot-challenged" && box.hasBallot(String(payload.tracker))) {
    throw new RejectedError("J9", "a ballot that had been opened to check it was cast");
  }
  if (kind === "strong-decryption" && !box.partials.has(Number(payload.owner))) {
    throw new RejectedError("J9", `a strong proof of trustee ${payload.owner}, who did not decrypt`);
  }
}

/**
 * Rule J9 for the lists of credentials: the last one is that of the ballot box, and each replacement has a list of its
 * own.
 * @param {Setup} setup
 * @param {readonly JournalLine[]} lines
 */
function requireLists({ credentials, credentialsHash }, lines) {
  /** @type {unknown} */
  let present = null;
  for (const { height, kind, payload } of lines) {
    const where = `journal line ${height}`;
    if (kind === "credentials-replaced") {
      if (present === null) {
        throw new RejectedError("J9", "credentials were replaced before they were published", where);
      }
      if (payload.credentials === present) {
        throw new RejectedError("J9", "credentials were replaced, but the list is the same", where);
      }
      if (Number(payload.replaced) > credentials.length) {
        throw new RejectedError("J9", "more credentials were replaced than there are", where);
      }
    } else if (kind !== "credentials-published") {
      continue;
    } else if (present !== null && payload.credentials !== present) {
      throw new RejectedError("J9", "other credentials were published, but not as a replacement", where);
    }
    present = payload.credentials;
  }
  if (present === null) throw new RejectedError("J9", "the journal does not say who published the credentials");
  if (present !== credentialsHash) {
    throw new RejectedError("J9", "the published credentials are not those of the ballot box");
  }
}

/**
 * Rules J7–J9, for a box that has no result yet: the journal tells what the box tells.
 * @param {Box} box
 * @param {readonly JournalLine[]} lines
 * @param {JournalReader} reader
 */
export function checkJournal(box, lines, reader) {
  requireHeads(box, lines);
  requireDrills(box.setup, lines);
  requireRecordTerms(box.setup.election, lines);
  const kinds = new Set(lines.map(({ kind }) => kind));
  let members = null;
  for (const line of lines) {
    if (line.kind === "roll-frozen") members = Number(line.payload.members);
    try {
      requireTruth(box, line, members);
    } catch (error) {
      throw error instanceof ProtocolError ? error.at(`journal line ${line.height}`) : error;
    }
  }
  /** @type {[boolean, string, string][]} */
  const acts = [
    [true, "keys-ready", "the ballot box is set up, but the journal does not say that keys are ready"],
    [box.ballots.length > 0, "opened", "there are ballots, but the journal does not say that voting was opened"],
    [box.state !== "voting", "closed", "the ballot box has ended, but the journal does not say who closed it"],
  ];
  for (const [isDue, kind, sentence] of acts) if (isDue && !kinds.has(kind)) throw new RejectedError("J9", sentence);
  requireLists(box.setup, lines);
  const { commitments } = reader;
  const published = box.setup.trustees.commitments;
  if (commitments.size !== published.length || published.some((hash, n) => commitments.get(n + 1) !== hash)) {
    throw new RejectedError("J9", "the trustees' keys are not those that they committed to");
  }
}

/**
 * Rule D4 for one trustee: the strong proofs that the journal has.
 * @param {Box} box
 * @param {EncryptedTally} tally
 * @param {readonly JournalLine[]} lines
 * @param {number} owner
 */
export function requireStrongProofs(box, tally, lines, owner) {
  const { election, trustees } = box.setup;
  const raw = box.partials.get(owner);
  const line = lines.find(({ kind, payload }) => kind === "strong-decryption" && payload.owner === owner);
  if (raw === undefined || line === undefined) {
    throw new RejectedError("D4", `the decryption of trustee ${owner} is not in the published record`);
  }
  const partial = parsePartialDecryption(tally, raw);
  verifyStrongProofs(election, tally, trustees.owners[owner - 1].publicKey, partial, line.payload);
}

/**
 * Whether one trustee's decryption of the published tally stands in archive and journal. What stands there must be right
 * (D1–D4): only who holds that trustee's key can have made it.
 * @param {Box} box
 * @param {readonly JournalLine[]} lines fetched before the box: of a part that has just come they may not have the line
 * @param {number} owner
 */
export function hasPart(box, lines, owner) {
  const { election, trustees } = box.setup;
  const raw = box.partials.get(owner);
  const isNoted = lines.some(({ kind, payload }) => kind === "strong-decryption" && payload.owner === owner);
  if (box.tally === null || raw === undefined || !isNoted) return false;
  const tally = parseEncryptedTally(election, box.tally.raw);
  verifyPartialDecryption(election, tally, trustees.owners[owner - 1].publicKey, parsePartialDecryption(tally, raw));
  requireStrongProofs(box, tally, lines, owner);
  return true;
}
