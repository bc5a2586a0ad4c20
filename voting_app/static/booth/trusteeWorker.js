// The Worker in which a trustee's key lives. The page hands over files unread and gets files to save: no key, seed or
// secret is ever in the page's memory, in storage or in a request.
//
// The same messages as worker.js: {id, op, args} in; {id, progress}, {id, result} or {id, error} out. A step is
// "begin" (or "read", "verify", "decrypt" at the tally), then the trustee saves the changed file and chooses it again,
// then "confirm" gives out what is to be sent. Ballots are verified by several Workers of this same program.

import * as ceremony from "./ceremony.js";
import { CallError, Client } from "./client.js";
import { parseElection } from "./election.js";
import { encodeJson, equalBytes, isObject, isUuid, parseJson, sha256Hex, utf8 } from "./encoding.js";
import { MalformedError, MisuseError, ProtocolError } from "./errors.js";
import { readJournal } from "./journal.js";
import { encodeKeyFile, parseKeyFile } from "./keyfile.js";
import { Box, checkJournal, compareTally, requireSameJournal, requireStrongProofs, verifyPart } from "./recount.js";
import { encodeEncryptedTally, parseEncryptedTally } from "./tally.js";

/** @typedef {import("./ceremony.js").Inbox} Inbox */
/** @typedef {import("./election.js").Election} Election */
/** @typedef {import("./keyfile.js").KeyFile} KeyFile */
/** @typedef {import("./recount.js").Task} Task */
/** @typedef {import("./tally.js").EncryptedTally} EncryptedTally */
/** @typedef {(done: number, total: number) => void} OnProgress */
/** @typedef {ReturnType<typeof readJournal>} Journal */

const LARGEST_FILE = 2 ** 22;
// A part is a second or two of work: often enough for the progress, seldom enough for the messages.
const PART = 32;
const MOST_WORKERS = 8;
// The archive goes into the browser's hands in pieces, so that a large one need not stay in memory.
const PIECE = 2 ** 24;

/**
 * What was computed and may be sent as soon as the changed file was saved.
 * @type {{ raw: Uint8Array, body: string } | null}
 */
let pending = null;

/**
 * The published record with the key that is to be applied to it.
 * @type {{ uuid: string, key: KeyFile, box: Box, archive: Blob, journal: Journal, tally: EncryptedTally | null,
 *   sent: { owner: number, partial: string } | null } | null}
 */
let found = null;

/** For a Worker that only verifies. @type {{ election: Election, archive: Blob } | null} */
let shared = null;

// --- files -----------------------------------------------------------------------------------------------------

/** @param {Blob} file */
async function bytesOf(file) {
  return new Uint8Array(await file.arrayBuffer());
}

/** @param {Blob} file */
async function readKey(file) {
  if (file.size > LARGEST_FILE) throw new MalformedError("T7", "this is not a trustee's key file");
  return parseKeyFile(await bytesOf(file));
}

/**
 * What the page does next: save the changed file and choose it again, or send at once where nothing has changed.
 * @param {KeyFile | null} before what is saved already: null for a new key
 * @param {KeyFile} key
 * @param {string} body
 */
function settle(before, key, body) {
  const raw = encodeKeyFile(key);
  const isSaved = before !== null && equalBytes(encodeKeyFile(before), raw);
  pending = isSaved ? null : { raw, body };
  return isSaved ? { file: null, body } : { file: new globalThis.Blob([raw], { type: "application/json" }), body: null };
}

// --- the published record ------------------------------------------------------------------------------------

/**
 * @param {string} address
 * @param {RequestInit} [options]
 */
async function ask(address, options = {}) {
  let response;
  try {
    response = await globalThis.fetch(address, { ...options, cache: "no-store" });
  } catch {
    throw new ceremony.Refusal("no-connection", "the server could not be reached");
  }
  if (!response.ok && response.status !== 416) {
    throw new ceremony.Refusal("no-connection", `the server answered with ${response.status}`);
  }
  return response;
}

/**
 * Waits for more of an answer, which may break off.
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
async function arriving(promise) {
  try {
    return await promise;
  } catch {
    throw new ceremony.Refusal("no-connection", "the connection broke off");
  }
}

/** @param {string} uuid */
function addressOf(uuid) {
  if (!isUuid(uuid)) throw new MisuseError("not an election's uuid");
  return `/elections/${uuid}/${uuid}`;
}

/** @param {string} uuid */
async function fetchJournal(uuid) {
  const response = await ask(`${addressOf(uuid)}.journal.jsonl`);
  return readJournal(new Uint8Array(await arriving(response.arrayBuffer())));
}

/**
 * Feeds the box what comes, and keeps it.
 * @param {Response} response
 * @param {Box} box
 * @param {OnProgress} onProgress
 * @returns {Promise<Blob>}
 */
async function readArchive(response, box, onProgress) {
  const total = Number(response.headers.get("Content-Length")) || 0;
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader();
  /** @type {Blob[]} */
  const pieces = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  let chunks = [];
  let [waiting, done] = [0, 0];
  const putAway = () => {
    pieces.push(new globalThis.Blob(chunks));
    chunks = [];
    waiting = 0;
  };
  for (;;) {
    const { value } = await arriving(reader.read());
    if (!value) break;
    box.feed(value);
    chunks.push(value);
    waiting += value.length;
    done += value.length;
    if (waiting > PIECE) putAway();
    if (total) onProgress(Math.min(done, total), total);
  }
  putAway();
  box.close();
  return new globalThis.Blob(pieces);
}

/**
 * The journal first: what comes to the box meanwhile is not missed in it.
 * @param {string} uuid
 * @param {OnProgress} onProgress
 */
async function fetchRecord(uuid, onProgress) {
  const journal = await fetchJournal(uuid);
  const box = new Box();
  const archive = await readArchive(await ask(`${addressOf(uuid)}.bel`), box, onProgress);
  if (box.setup.election.uuid !== uuid) {
    throw new ceremony.Refusal("other-election", "the server shows the record of another election");
  }
  return { box, archive, journal };
}

// --- verifying ballots -----------------------------------------------------------------------------------------

/**
 * @param {Election} election
 * @param {Blob} archive
 * @param {Task[]} tasks
 */
async function verifyTasks(election, archive, tasks) {
  const [first, last] = [tasks[0], tasks[tasks.length - 1]];
  const bytes = await bytesOf(archive.slice(first.offset, last.offset + last.length));
  const textOf = (/** @type {Task} */ { offset, length }) => {
    const start = offset - first.offset;
    return bytes.slice(start, start + length);
  };
  return verifyPart(election, tasks, textOf);
}

/**
 * All ballots of the box, by as many Workers as the device has processors.
 * @param {Box} box
 * @param {Blob} archive
 * @param {OnProgress} onProgress
 * @returns {Promise<EncryptedTally[]>}
 */
async function verifyBallots(box, archive, onProgress) {
  const { election } = box.setup;
  const tasks = box.tasks();
  const parts = Array.from({ length: Math.ceil(tasks.length / PART) }, (_, n) => tasks.slice(n * PART, (n + 1) * PART));
  /** @type {EncryptedTally[]} */
  const tallies = [];
  let done = 0;
  const note = (/** @type {EncryptedTally} */ tally, /** @type {number} */ count) => {
    tallies.push(tally);
    onProgress((done += count), tasks.length);
  };
  if (parts.length < 2) {
    for (const part of parts) note(await verifyTasks(election, archive, part), part.length);
    return tallies;
  }
  const count = Math.min(self.navigator.hardwareConcurrency || 1, MOST_WORKERS, parts.length);
  const workers = Array.from({ length: count }, () => new Client(new URL("trusteeWorker.js", import.meta.url)));
  const work = async (/** @type {Client} */ worker) => {
    await worker.call("share", { election: election.raw, archive });
    for (let part = parts.shift(); part; part = parts.shift()) {
      const raw = await worker.call("verifyPart", { tasks: part });
      note(parseEncryptedTally(election, raw), part.length);
    }
  };
  try {
    await Promise.all(workers.map(work));
  } finally {
    for (const worker of workers) worker.close();
  }
  return tallies;
}

// --- what the page may ask -------------------------------------------------------------------------------------

/**
 * @param {string} text
 * @returns {Inbox}
 */
function parseInbox(text) {
  const { kind, step, owner, inputs } = requireObject(parseJson(utf8(text.trim()), "T8"));
  return { kind, step, owner, inputs: requireObject(inputs) };
}

/** @param {unknown} value */
function requireObject(value) {
  if (!isObject(value)) throw new MalformedError("T8", "this is not a trustee's inbox");
  return value;
}

function record() {
  if (found === null) throw new MisuseError("the record was not read");
  return found;
}

const OPERATIONS = {
  /**
   * A step of the ceremony, or the drill. Without a file a new key is made.
   * @param {{ inbox: string, file: Blob | null, uuid: string }} args
   * @param {OnProgress} onProgress
   */
  async begin({ inbox: text, file, uuid }, onProgress) {
    const inbox = parseInbox(text);
    const before = file ? await readKey(file) : ceremony.newKey(inbox);
    if (inbox.step !== "drill") {
      const { key, body } = await ceremony.takeStep(inbox, before);
      return settle(file ? before : null, key, encodeJson(body));
    }
    const { box, journal } = await fetchRecord(uuid, onProgress);
    const { lines, reader } = journal;
    if (before.journal) requireSameJournal(before.journal, lines, reader);
    const { election, trustees } = box.setup;
    const published = { election, trustees, journal: { height: lines.length - 1, head: String(reader.head) } };
    const { key, body } = await ceremony.drill(before, inbox, published);
    return { ...settle(before, key, encodeJson(body)), fingerprint: election.fingerprint };
  },

  /**
   * The tally, first part: the whole record, with everything but the ballots' proofs.
   * @param {{ uuid: string, file: Blob }} args
   * @param {OnProgress} onProgress
   */
  async read({ uuid, file }, onProgress) {
    pending = found = null;
    const key = await readKey(file);
    const fetched = await fetchRecord(uuid, onProgress);
    const { box, journal } = fetched;
    if (key.journal) requireSameJournal(key.journal, journal.lines, journal.reader);
    const { election, trustees } = box.setup;
    ceremony.requireSameElection(key, election.fingerprint);
    ceremony.requireSameCeremony(key, trustees, ceremony.requireOwn(trustees, await ceremony.openSecret(key)));
    if (box.state !== "counted" && box.state !== "decrypting") {
      throw new ceremony.Refusal("no-tally", "there is no tally to open now");
    }
    checkJournal(box, journal.lines, journal.reader);
    found = { uuid, key, ...fetched, tally: null, sent: null };
    return { ballots: box.ballots.length };
  },

  /**
   * Second part: every ballot's signature and proofs, and the sum of them. Says what is about to be opened.
   * @param {object} _
   * @param {OnProgress} onProgress
   */
  async verify(_, onProgress) {
    const { key, box, archive } = record();
    const { election, trustees } = box.setup;
    const tally = compareTally(box, await verifyBallots(box, archive, onProgress));
    const { owner } = await ceremony.requireDecryptable(key, election, trustees, tally);
    record().tally = tally;
    return {
      name: election.name,
      fingerprint: election.fingerprint,
      owner,
      owners: trustees.owners.length,
      ballots: box.ballots.length,
      counted: box.last.size,
      questions: election.questions.map((question) => ("question" in question ? question.question : "")),
    };
  },

  /** Third part: applies the key. */
  async decrypt() {
    const { key, box, tally } = record();
    if (tally === null) throw new MisuseError("the ballots were not verified");
    const { election, trustees } = box.setup;
    const made = await ceremony.decrypt(key, election, trustees, tally);
    record().sent = { owner: made.owner, partial: sha256Hex(made.partial) };
    const partial = new TextDecoder().decode(made.partial);
    return settle(key, made.key, `{"partial_decryption":${partial},"strong_proofs":${encodeJson(made.strong)}}`);
  },

  /**
   * The file that was saved is the one that will be needed: then the step's message may go.
   * @param {{ file: Blob }} args
   */
  async confirm({ file }) {
    if (pending === null) throw new MisuseError("nothing waits to be sent");
    if (file.size !== pending.raw.length || !equalBytes(await bytesOf(file), pending.raw)) {
      throw new ceremony.Refusal("not-the-saved-file", "this is not the file that was just saved");
    }
    return { body: pending.body };
  },

  /**
   * The decryption that was sent stands in the published record: the archive has gone on from where it was verified,
   * and has exactly our record; the journal has our strong proofs.
   */
  async look() {
    const { uuid, box, tally, sent } = record();
    if (tally === null || sent === null) throw new MisuseError("nothing was sent");
    const before = box.length;
    const response = await ask(`${addressOf(uuid)}.bel`, { headers: { Range: `bytes=${before}-` } });
    if (response.status === 206) {
      // As a whole: a box that was fed with a part of it could not be asked again.
      box.feed(new Uint8Array(await arriving(response.arrayBuffer())));
      box.close();
    } else if (response.status !== 416) throw new ceremony.Refusal("no-connection", "the server sent no part of the archive");
    const raw = box.partials.get(sent.owner);
    const { lines } = await fetchJournal(uuid);
    if (raw === undefined || sha256Hex(raw) !== sent.partial) {
      throw new ceremony.Refusal("not-published", "the decryption is not in the published record");
    }
    requireStrongProofs(box, tally, lines, sent.owner);
    return { height: box.height };
  },

  /**
   * For a Worker that only verifies: what all parts share.
   * @param {{ election: Uint8Array, archive: Blob }} args
   */
  share({ election, archive }) {
    shared = { election: parseElection(election), archive };
    return {};
  },

  /**
   * @param {{ tasks: Task[] }} args
   * @returns {Promise<Uint8Array>} the product of those that count
   */
  async verifyPart({ tasks }) {
    if (shared === null) throw new MisuseError("this Worker knows no election");
    return encodeEncryptedTally(await verifyTasks(shared.election, shared.archive, tasks));
  },
};

/** @param {unknown} error */
function describe(error) {
  if (error instanceof ProtocolError) return { family: error.name, rule: error.rule, message: error.message };
  if (error instanceof ceremony.Refusal) return { family: error.name, rule: error.code, message: error.message };
  if (error instanceof CallError) return { family: error.family, rule: error.rule, message: error.message };
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
    if (!Object.hasOwn(OPERATIONS, op)) throw new MisuseError(`the worker has no operation ${op}`);
    const run = /** @type {Record<string, (args: any, onProgress: OnProgress) => unknown>} */ (OPERATIONS)[op];
    self.postMessage({ id, result: await run(args, onProgress) });
  } catch (error) {
    self.postMessage({ id, error: describe(error) });
  }
};
