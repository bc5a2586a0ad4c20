// The Worker in which a trustee's key lives. The page hands over files unread and gets files to save: no key, seed or
// secret is ever in the page's memory, in storage or in a request.
//
// The same messages as worker.js: {id, op, args} in; {id, progress}, {id, result} or {id, error} out. A step is
// "begin" (or "read", "verify", "decrypt" at the tally), then the trustee saves the changed file and chooses it again,
// then "confirm" gives out what is to be sent. Ballots are verified by several Workers of this same program.

import * as ceremony from "./ceremony.js";
import { CallError, Client } from "./client.js";
import { parseElection } from "./election.js";
import { encodeJson, equalBytes, isObject, isSha256Hex, isUuid, parseJson, sha256Hex, utf8 } from "./encoding.js";
import { MalformedError, MisuseError, ProtocolError } from "./errors.js";
import { readJournal } from "./journal.js";
import { encodeKeyFile, parseKeyFile } from "./keyfile.js";
import { compareWithMemory, MOST_EVENTS, requireSameJournal, requireSameTally } from "./memory.js";
import { Box, checkJournal, compareTally, hasPart, requireRecordTerms, requireStrongProofs, verifyPart } from "./recount.js";
import { encodeEncryptedTally, parseEncryptedTally } from "./tally.js";

/** @typedef {import("./ceremony.js").Inbox} Inbox */
/** @typedef {import("./election.js").Election} Election */
/** @typedef {import("./keyfile.js").KeyFile} KeyFile */
/** @typedef {import("./memory.js").KnownBox} KnownBox */
/** @typedef {import("./memory.js").Memory} Memory */
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
// So long may nothing come of an answer; a large one may take longer as a whole.
const PATIENCE_MS = 60_000;
// The journal's last word on an election: with a sum that trustees open, or without one for ever.
const HAS_SUM = ["closed", "tallied", "certified"];
const IS_GIVEN_UP = ["cancelled", "untalliable"];

/**
 * What was computed and may be sent as soon as the changed file was saved.
 * @type {{ raw: Uint8Array, body: string } | null}
 */
let pending = null;

/**
 * The published record with the key that is to be applied to it.
 * @type {{ uuid: string, key: KeyFile, box: Box, archive: Blob, journal: Journal, tally: EncryptedTally | null,
 *   isCompared: boolean, sent: { owner: number, partial: string } | null } | null}
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

/** @typedef {{ status: number, length: number, chunks: AsyncGenerator<Uint8Array<ArrayBuffer>> }} Answer */

/**
 * @param {string} address
 * @param {RequestInit} [options]
 * @returns {Promise<Answer>} length: how many bytes are announced, or 0
 */
async function ask(address, options = {}) {
  const controller = new globalThis.AbortController();
  let timer = globalThis.setTimeout(() => controller.abort(), PATIENCE_MS);
  const renew = () => {
    globalThis.clearTimeout(timer);
    timer = globalThis.setTimeout(() => controller.abort(), PATIENCE_MS);
  };
  let response;
  try {
    response = await globalThis.fetch(address, {
      ...options,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: controller.signal,
    });
  } catch {
    throw new ceremony.Refusal("no-connection", "the server could not be reached");
  }
  if (!response.ok && response.status !== 416) {
    throw new ceremony.Refusal("no-connection", `the server answered with ${response.status}`);
  }
  const reader = response.body?.getReader();
  async function* chunks() {
    try {
      while (reader) {
        renew();
        const { value } = await reader.read();
        if (!value) return;
        yield value;
      }
    } catch {
      throw new ceremony.Refusal("no-connection", "the connection broke off");
    } finally {
      globalThis.clearTimeout(timer);
    }
  }
  return { status: response.status, length: Number(response.headers.get("Content-Length")) || 0, chunks: chunks() };
}

/** @param {Answer} answer */
async function wholeOf({ chunks }) {
  const pieces = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return bytesOf(new globalThis.Blob(pieces));
}

/** @param {string} uuid */
function addressOf(uuid) {
  if (!isUuid(uuid)) throw new MisuseError("not an election's uuid");
  return `/elections/${uuid}/${uuid}`;
}

/** @param {string} uuid */
async function fetchJournal(uuid) {
  return readJournal(await wholeOf(await ask(`${addressOf(uuid)}.journal.jsonl`)));
}

/**
 * The newest event of the ballot box, as the server tells it: what is noted of the box where it is not fetched.
 * @param {string} uuid
 * @returns {Promise<KnownBox>}
 */
async function fetchNewestEvent(uuid) {
  const raw = await wholeOf(await ask(`/api/v1/elections/${uuid}/status`));
  let box = null;
  try {
    ({ box } = JSON.parse(new TextDecoder().decode(raw)));
  } catch {
    // Told below.
  }
  const { height, head } = box ?? {};
  const isEmpty = height === -1 && head === null;
  if (!isEmpty && !(Number.isSafeInteger(height) && height >= 0 && isSha256Hex(head))) {
    throw new ceremony.Refusal("bad-answer", "the server does not tell how far the ballot box has come");
  }
  return { height, isWhole: false, headAt: (wanted) => (wanted === height && !isEmpty ? head : undefined) };
}

/**
 * What is published goes on from what this device saw before (T9).
 * @param {string} uuid
 * @param {Memory | null} memory
 * @returns {Promise<{ seen: Memory, journal: Journal }>} what it has seen now
 */
async function compareRecord(uuid, memory) {
  if (memory && memory.box.length >= MOST_EVENTS) return fetchWhole(uuid, memory, () => {});
  const journal = await fetchJournal(uuid);
  requireElection(uuid, journal.reader.election);
  return { seen: compareWithMemory(memory, journal, await fetchNewestEvent(uuid)), journal };
}

/**
 * Where the server says that a trustee is done: whether archive and journal say so, too.
 * @param {string} uuid
 * @param {Memory | null} memory
 * @param {number} owner
 * @returns {Promise<{ seen: Memory, part: "seen" | "missing" | "without" | "not-needed" }>} without: the result is there
 */
async function findPart(uuid, memory, owner) {
  const { seen, journal } = await compareRecord(uuid, memory);
  const { state } = journal.reader;
  if (IS_GIVEN_UP.includes(state)) return { seen, part: "not-needed" };
  if (!HAS_SUM.includes(state)) return { seen, part: "missing" };
  const whole = await fetchWhole(uuid, memory, () => {});
  if (hasPart(whole.box, whole.journal.lines, owner)) return { seen: whole.seen, part: "seen" };
  return { seen: whole.seen, part: state === "closed" ? "missing" : "without" };
}

/**
 * @param {string} uuid
 * @param {string} shown
 */
function requireElection(uuid, shown) {
  if (shown !== uuid) throw new ceremony.Refusal("other-election", "the server shows the record of another election");
}

/**
 * Feeds the box what comes, and keeps it.
 * @param {Answer} answer
 * @param {Box} box
 * @param {OnProgress} onProgress
 * @returns {Promise<Blob>}
 */
async function readArchive({ length: total, chunks: arriving }, box, onProgress) {
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
  for await (const value of arriving) {
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

/** @param {Journal} journal */
function lastLine({ lines, reader }) {
  return { height: lines.length - 1, head: String(reader.head) };
}

/**
 * The sum is to be opened: an election that was cancelled, or has its result, needs no key.
 * @param {Journal} journal
 */
function requireClosed({ reader: { state } }) {
  if (state !== "closed") throw new ceremony.Refusal("not-closed", `the journal says that the election is ${state}`);
}

/** @param {Box} box @returns {KnownBox} */
function knownOf(box) {
  return { height: box.height, isWhole: true, headAt: (height) => box.heads[height] };
}

/**
 * The journal first: what comes to the box meanwhile is not missed in it. Both go on from what this device saw before.
 * @param {string} uuid
 * @param {Memory | null} memory
 * @param {OnProgress} onProgress
 */
async function fetchWhole(uuid, memory, onProgress) {
  const journal = await fetchJournal(uuid);
  const box = new Box();
  const archive = await readArchive(await ask(`${addressOf(uuid)}.bel`), box, onProgress);
  requireElection(uuid, box.setup.election.uuid);
  // At the drill too: who opens a result under another service key would find out too late.
  requireRecordTerms(box.setup.election, journal.lines);
  return { box, archive, journal, seen: compareWithMemory(memory, journal, knownOf(box)) };
}

/**
 * The whole record, which goes on from what the key saw before, too.
 * @param {string} uuid
 * @param {KeyFile} key
 * @param {Memory | null} memory
 * @param {OnProgress} onProgress
 */
async function fetchRecord(uuid, key, memory, onProgress) {
  const fetched = await fetchWhole(uuid, memory, onProgress);
  if (key.journal) requireSameJournal(key.journal, fetched.journal);
  return fetched;
}

/**
 * Feeds the box what has come to it since.
 * @param {string} uuid
 * @param {Box} box
 */
async function goOn(uuid, box) {
  // From the last byte that is known: there is one to send, where nothing has come as well.
  const answer = await ask(`${addressOf(uuid)}.bel`, { headers: { Range: `bytes=${box.length - 1}-` } });
  if (answer.status === 206) {
    // As a whole: a box that was fed with a part of it could not be asked again.
    box.feed((await wholeOf(answer)).subarray(1));
    box.close();
  } else if (answer.status !== 416) throw new ceremony.Refusal("no-connection", "the server sent no part of the archive");
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
   * A visit: what is published goes on from what this device saw before.
   * @param {{ uuid: string, memory: Memory | null, owner: number | null }} args owner: whose part is to be looked for
   */
  async compare({ uuid, memory, owner }) {
    if (owner !== null) return findPart(uuid, memory, owner);
    return { seen: (await compareRecord(uuid, memory)).seen };
  },

  /**
   * A step of the ceremony, or the drill. Without a file a new key is made.
   * @param {{ inbox: string, file: Blob | null, uuid: string, memory: Memory | null }} args
   * @param {OnProgress} onProgress
   */
  async begin({ inbox: text, file, uuid, memory }, onProgress) {
    const inbox = parseInbox(text);
    const before = file ? await readKey(file) : ceremony.newKey(inbox);
    if (inbox.step !== "drill") {
      const { seen } = await compareRecord(uuid, memory);
      const { key, body } = await ceremony.takeStep(inbox, before);
      return { ...settle(file ? before : null, key, encodeJson(body)), seen };
    }
    const { box, seen } = await fetchRecord(uuid, before, memory, onProgress);
    const { election, trustees } = box.setup;
    const { key, body } = await ceremony.drill(before, inbox, { election, trustees, journal: seen.journal });
    const quorum = { needed: trustees.needed, count: trustees.owners.length };
    return { ...settle(before, key, encodeJson(body)), fingerprint: election.fingerprint, quorum, seen };
  },

  /**
   * The tally, first part: the whole record, with everything but the ballots' proofs.
   * @param {{ uuid: string, file: Blob, memory: Memory | null }} args
   * @param {OnProgress} onProgress
   */
  async read({ uuid, file, memory }, onProgress) {
    pending = found = null;
    const key = await readKey(file);
    const { box, archive, journal } = await fetchRecord(uuid, key, memory, onProgress);
    const { election, trustees } = box.setup;
    ceremony.requireSameElection(key, election.fingerprint);
    const owner = ceremony.requireOwn(trustees, await ceremony.openSecret(key));
    ceremony.requireSameCeremony(key, trustees, owner);
    ceremony.requireNewest(key, owner, journal.lines);
    if (box.state !== "counted" && box.state !== "decrypting") {
      throw new ceremony.Refusal("no-tally", "there is no tally to open now");
    }
    checkJournal(box, journal.lines, journal.reader);
    requireClosed(journal);
    found = { uuid, key, box, archive, journal, tally: null, isCompared: false, sent: null };
    return { ballots: box.ballots.length };
  },

  /**
   * Second part: every ballot's signature and proofs, and the sum of them. Says what is about to be opened.
   * @param {object} _
   * @param {OnProgress} onProgress
   */
  async verify(_, onProgress) {
    const { key, box, archive, journal } = record();
    const { election, trustees } = box.setup;
    const tally = compareTally(box, await verifyBallots(box, archive, onProgress));
    const { owner } = await ceremony.requireDecryptable(key, election, trustees, tally);
    record().tally = tally;
    return {
      name: election.name,
      fingerprint: election.fingerprint,
      owner,
      owners: trustees.owners.length,
      needed: trustees.needed,
      drilledAt: journal.lines.findLast(({ kind, payload }) => kind === "key-drill" && payload.owner === owner)?.height ?? null,
      ballots: box.ballots.length,
      counted: box.last.size,
      questions: election.questions.map((question) => ("question" in question ? question.question : "")),
    };
  },

  /**
   * After that, and again right before the key is applied: the record as it is now goes on from what was verified, and
   * from what this device, by another tab perhaps, has seen by now; nor has it seen another sum (T9). What this gives out
   * must have been noted before "decrypt" is called: then of two sums in two tabs only one is opened.
   * @param {{ memory: Memory | null }} args
   */
  async compareAgain({ memory }) {
    const { uuid, box, tally, journal: before } = record();
    record().isCompared = false;
    if (tally === null) throw new MisuseError("the ballots were not verified");
    const journal = await fetchJournal(uuid);
    requireSameJournal(lastLine(before), journal);
    requireClosed(journal);
    await goOn(uuid, box);
    const digest = ceremony.tallyDigest(box.setup.election, tally);
    requireSameTally(memory, digest);
    const seen = { ...compareWithMemory(memory, journal, knownOf(box)), tally: digest };
    record().isCompared = true;
    return { seen };
  },

  /** Third part: applies the key. Each time after a comparison of its own. */
  async decrypt() {
    const { key, box, tally, isCompared } = record();
    if (tally === null || !isCompared) throw new MisuseError("the sum was not compared with what was seen before");
    record().isCompared = false;
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
    await goOn(uuid, box);
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
