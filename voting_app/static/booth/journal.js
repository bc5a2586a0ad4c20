// The journal: the chain of people's acts beside the ballot box (docs/protocol.md §7.1; rules J1–J6, J10).
//
// One canonical JSON line per act. Each line names the line before it and the head of the ballot box at that time, so
// neither chain can be rewritten without the other. Every change of state is followed by a *seal*, a signature of the
// service key. A browser only reads journals.

import {
  encodeJson,
  isUuid,
  parseBase64,
  parseJson,
  requireFields,
  requireInt,
  requireList,
  requireSha256Hex,
  requireText,
  sha256Hex,
  utf8,
} from "./encoding.js";
import { MalformedError, ProtocolError, RejectedError } from "./errors.js";
import { verifySignature } from "./receipt.js";

/** @typedef {import("./encoding.js").JsonObject} JsonObject */
/** @typedef {(value: unknown, what: string) => void} Check throws MalformedError (J3) */
/** @typedef {{ fields: Record<string, Check>, roles: readonly string[] }} Kind */

/**
 * One act. `boxHeight` is -1 and `boxHead` null before the box's Setup.
 * @typedef {{ height: number, parent: string | null, boxHeight: number, boxHead: string | null, kind: string,
 *   actor: string, payload: JsonObject }} JournalLine
 */

const ORDER = ["height", "parent", "box_height", "box_head", "kind", "actor", "payload"];
const ACTOR = /^([a-z]+):(0|[1-9][0-9]{0,9})$/;
const SERVICE_ACTOR = "service:0";
const TIME = /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]Z$/;
const NONCE = /^[0-9a-f]{32,128}$/;
const LONGEST_TEXT = 2000;
const PATH = /^\/[!-~]{0,499}$/;
const MOST_FILES = 1000;
const LF = 10;

// --- the table of kinds --------------------------------------------------------------------------------------

/** @type {Check} */
const hash = (value, what) => requireSha256Hex(value, "J3", what);
/** @type {Check} */
const count = (value, what) => requireInt(value, "J3", what);
/** @type {Check} */
const owner = (value, what) => requireInt(value, "J3", what, 1);
/** @type {Check} */
const key = (value, what) => parseBase64(value, "J3", 32, what);
/** @type {Check} */
const signature = (value, what) => parseBase64(value, "J3", 64, what);

/** @type {Check} */
function text(value, what) {
  // Characters, not the halves of which JavaScript makes some.
  if ([...requireText(value, "J3", what)].length > LONGEST_TEXT) {
    throw new MalformedError("J3", `${what}: longer than ${LONGEST_TEXT} characters`);
  }
}

/** @type {Check} A text that may be empty. */
function words(value, what) {
  if (value !== "") text(value, what);
}

/** @type {Check} */
function time(value, what) {
  if (typeof value !== "string" || !TIME.test(value)) {
    throw new MalformedError("J3", `${what}: a time to the minute like 2026-11-22T12:51Z was expected`);
  }
}

/** @type {Check} */
function uuid(value, what) {
  if (!isUuid(value)) throw new MalformedError("J3", `${what}: not an election's uuid`);
}

/** @type {Check} */
function flag(value, what) {
  if (typeof value !== "boolean") throw new MalformedError("J3", `${what}: true or false was expected`);
}

/**
 * @param {...(string | number)} allowed
 * @returns {Check}
 */
function oneOf(...allowed) {
  return (value, what) => {
    if (!allowed.some((item) => item === value)) {
      throw new MalformedError("J3", `${what}: one of ${allowed.join(", ")} was expected`);
    }
  };
}

/** @type {Check} */
function nonce(value, what) {
  if (typeof value !== "string" || !NONCE.test(value)) {
    throw new MalformedError("J3", `${what}: 16 to 64 bytes in hex were expected`);
  }
}

/** @type {Check} */
function decimalProof(value, what) {
  const fields = requireFields(value, ["challenge", "response"], "J3");
  for (const name of Object.keys(fields)) requireText(fields[name], "J3", `${what}: ${name}`);
}

/** @type {Check} */
function proofRows(value, what) {
  if (!Array.isArray(value) || !value.every(Array.isArray)) {
    throw new MalformedError("J3", `${what}: rows of proofs were expected`);
  }
  for (const proof of value.flat(1)) decimalProof(proof, what);
}

/** @type {Check} Path and hash of each file, sorted by path. */
function files(value, what) {
  const items = requireList(value, "J3", what);
  if (items.length < 1 || items.length > MOST_FILES) {
    throw new MalformedError("J3", `${what}: 1 to ${MOST_FILES} files were expected`);
  }
  let before = "";
  for (const item of items) {
    const [path, digest] = requireList(item, "J3", `${what}: path and hash`, 2);
    if (typeof path !== "string" || !PATH.test(path)) {
      throw new MalformedError("J3", `${what}: a path of visible letters that begins with / was expected`);
    }
    requireSha256Hex(digest, "J3", what);
    if (path <= before) throw new MalformedError("J3", `${what}: paths are not sorted, or one stands twice`);
    before = path;
  }
}

const PEOPLE = ["committee"];
const SERVICE = ["service"];
const EITHER = ["committee", "service"];

/** Acts of the committee that more than one of them must want (rule J10); `certified` by as many as certify. */
export const SHARED_ACTS = [
  "roll-frozen",
  "opened",
  "paused",
  "resumed",
  "extended",
  "closed",
  "cancelled",
  "untalliable",
  "certified",
];

/**
 * Payload fields in order with their checks, and the roles that may write such a line.
 * @type {Record<string, Kind>}
 */
export const KINDS = Object.assign(Object.create(null), {
  journal: { fields: { version: oneOf(1), election: uuid, service_key: key }, roles: SERVICE },
  officers: { fields: { needed: oneOf(1, 2), certifiers: owner, reason: words }, roles: PEOPLE },
  approval: { fields: { act: oneOf(...SHARED_ACTS), subject: hash }, roles: PEOPLE },
  "roll-frozen": { fields: { at: time, roll: hash, members: count }, roles: PEOPLE },
  "credentials-published": {
    fields: { credentials: hash, count, mode: oneOf("server", "registrar") },
    roles: ["registrar"],
  },
  // replaced: how many members got a new credential in place of one that was lost
  "credentials-replaced": { fields: { credentials: hash, replaced: owner }, roles: ["registrar"] },
  "trustee-committed": { fields: { owner, commitment: hash }, roles: ["trustee"] },
  "trustee-revealed": { fields: { owner }, roles: ["trustee"] },
  "trustees-restarted": { fields: { reason: text }, roles: PEOPLE },
  "keys-ready": { fields: { at: time, trustees: hash, fingerprint: key }, roles: EITHER },
  "key-drill": { fields: { owner, nonce, proof: decimalProof }, roles: ["trustee"] },
  "booth-files": { fields: { files }, roles: SERVICE },
  opened: { fields: { at: time, closes_at: time, revotes: flag }, roles: EITHER },
  paused: { fields: { at: time, reason: text }, roles: PEOPLE },
  resumed: { fields: { at: time }, roles: PEOPLE },
  extended: { fields: { at: time, closes_at: time, reason: text }, roles: PEOPLE },
  closed: { fields: { at: time }, roles: EITHER },
  cancelled: { fields: { at: time, reason: text }, roles: PEOPLE },
  untalliable: { fields: { at: time, reason: text }, roles: PEOPLE },
  "strong-decryption": { fields: { owner, proofs: proofRows }, roles: ["trustee"] },
  tallied: { fields: { result: hash }, roles: SERVICE },
  "ballot-challenged": { fields: { tracker: key }, roles: SERVICE },
  complaint: { fields: { at: time, number: owner, text }, roles: PEOPLE },
  "complaint-resolved": { fields: { at: time, number: owner, text }, roles: PEOPLE },
  "tie-draw": { fields: { at: time, question: owner, seed: text }, roles: PEOPLE },
  reported: { fields: { report: hash }, roles: PEOPLE },
  certified: { fields: { at: time, box_head: hash, result: hash, statement: text }, roles: PEOPLE },
  seal: { fields: { signature }, roles: SERVICE },
});

const BEFORE_CERTIFIED = ["draft", "roll frozen", "keys ready", "open", "paused", "closed", "tallied"];

/**
 * The states of an election: kind → [the states in which it may come, the state after (null: the same)].
 * @type {Record<string, readonly [readonly string[], string | null]>}
 */
export const STATE_CHANGES = {
  "roll-frozen": [["draft"], "roll frozen"],
  "keys-ready": [["roll frozen"], "keys ready"],
  opened: [["keys ready"], "open"],
  paused: [["open"], "paused"],
  resumed: [["paused"], "open"],
  extended: [["open", "paused"], null],
  closed: [["open", "paused"], "closed"],
  tallied: [["closed"], "tallied"],
  certified: [["tallied"], "certified"],
  untalliable: [["closed"], "untalliable"],
  cancelled: [BEFORE_CERTIFIED, "cancelled"],
};

/**
 * In which states some of the others may come.
 * @type {Record<string, readonly string[]>}
 */
export const RESTRICTED = {
  "credentials-published": ["roll frozen"],
  "credentials-replaced": ["roll frozen"],
  "trustee-committed": ["draft", "roll frozen"],
  "trustee-revealed": ["draft", "roll frozen"],
  "trustees-restarted": ["draft", "roll frozen"],
  "key-drill": ["keys ready"],
  "booth-files": ["keys ready", "open", "paused"],
  "strong-decryption": ["closed"],
  "ballot-challenged": ["open", "paused"],
  reported: ["tallied"],
};

// --- lines ---------------------------------------------------------------------------------------------------

/**
 * Rule J3: the kind is known, its payload has exactly its fields, its actor may write it.
 * @param {string} kind
 * @param {string} actor
 * @param {unknown} payload
 * @returns {JsonObject}
 */
function requirePayload(kind, actor, payload) {
  if (!(kind in KINDS)) throw new MalformedError("J3", `unknown kind of line ${JSON.stringify(kind.slice(0, 40))}`);
  const { fields: checks, roles } = KINDS[kind];
  const fields = requireFields(payload, Object.keys(checks), "J3");
  for (const [name, check] of Object.entries(checks)) check(fields[name], `${kind}: ${name}`);
  const role = ACTOR.exec(actor)?.[1];
  if (role === undefined) throw new MalformedError("J3", `${kind}: the actor must be a role and a number`);
  if (!roles.includes(role)) {
    throw new RejectedError("J3", `${kind}: not written by ${roles.join(" or ")} but by ${role}`);
  }
  // The last line is covered by nothing that follows it, so nothing in it may be free.
  if (role === "service" && actor !== SERVICE_ACTOR) {
    throw new RejectedError("J3", `${kind}: the service is ${SERVICE_ACTOR}`);
  }
  return fields;
}

/**
 * Rules J1 (canonical text, fields) and J3; `raw` without the newline.
 * @param {Uint8Array} raw
 * @returns {JournalLine}
 */
export function parseLine(raw) {
  const required = ["height", "box_height", "kind", "actor", "payload"];
  const fields = requireFields(parseJson(raw, "J1"), required, "J1", { order: ORDER });
  const boxHeight = requireInt(fields.box_height, "J1", "box_height", -1);
  if ("box_head" in fields !== boxHeight >= 0) {
    throw new MalformedError("J1", "box_head must be there exactly when the box has an event");
  }
  const kind = requireText(fields.kind, "J1", "kind");
  const actor = requireText(fields.actor, "J1", "actor");
  const payload = requirePayload(kind, actor, fields.payload);
  return {
    height: requireInt(fields.height, "J1", "height"),
    parent: "parent" in fields ? requireSha256Hex(fields.parent, "J1", "parent") : null,
    boxHeight,
    boxHead: "box_head" in fields ? requireSha256Hex(fields.box_head, "J1", "box_head") : null,
    kind,
    actor,
    payload,
  };
}

/**
 * What people agree to before an act: the SHA-256 (hex) of its payload without the time at which it happens.
 * @param {JournalLine} line
 * @returns {string}
 */
function actSubject({ kind, payload }) {
  const names = Object.keys(KINDS[kind].fields).filter((name) => name !== "at");
  return sha256Hex(utf8(encodeJson(Object.fromEntries(names.map((name) => [name, payload[name]])))));
}

// --- verifying -----------------------------------------------------------------------------------------------

/** Rule J6's memory: nobody reveals before all have committed, and nobody commits twice. */
class Keys {
  /** @type {Map<number, string>} */
  committed = new Map();
  /** @type {Set<number>} */
  revealed = new Set();
  /** @type {Set<string>} */
  used = new Set();

  /** @param {JournalLine} line */
  feed({ kind, payload }) {
    const number = Number(payload.owner);
    if (kind === "trustees-restarted") {
      this.committed = new Map();
      this.revealed = new Set();
    } else if (kind === "trustee-committed") {
      this.commit(number, String(payload.commitment));
    } else if (kind === "trustee-revealed") {
      if (!this.committed.has(number) || this.revealed.has(number)) {
        throw new RejectedError("J6", `trustee ${number} revealed without a commitment, or twice`);
      }
      this.revealed.add(number);
    } else if (kind === "keys-ready" && !this.isComplete()) {
      throw new RejectedError("J6", "keys were declared ready before every trustee had revealed");
    }
  }

  /**
   * @param {number} number
   * @param {string} commitment
   */
  commit(number, commitment) {
    if (this.revealed.size) {
      throw new RejectedError("J6", `trustee ${number} committed after another one had revealed`);
    }
    if (this.committed.has(number)) throw new RejectedError("J6", `trustee ${number} committed twice`);
    if (this.used.has(commitment)) throw new RejectedError("J6", `trustee ${number} repeats a commitment`);
    this.committed.set(number, commitment);
    this.used.add(commitment);
  }

  /** Owners 1 to n have committed and revealed, and nobody else. */
  isComplete() {
    const { committed, revealed } = this;
    const numbers = Array.from({ length: revealed.size }, (_, index) => index + 1);
    return revealed.size > 0 && committed.size === revealed.size && numbers.every((number) => revealed.has(number));
  }
}

/** Rule J10's memory: how many must want an act, and who has just said so. */
class Officers {
  /** @type {JsonObject | null} */
  terms = null;
  /** @type {JournalLine[]} */
  given = [];
  closesAt = "";

  /** @param {JournalLine} line */
  feed(line) {
    if (line.kind === "officers") return this.#setTerms(line);
    if (line.kind === "approval") return this.#add(line);
    if (this.terms && SHARED_ACTS.includes(line.kind)) {
      this.#requireEnough(line, this.terms);
    } else if (this.given.length) {
      throw new RejectedError("J10", `${line.kind} stands between an approval and its act`);
    }
    this.given = [];
    if ("closes_at" in line.payload) this.closesAt = String(line.payload.closes_at);
  }

  /** @param {JournalLine} line */
  #setTerms({ height, payload }) {
    if (height !== 1) {
      throw new RejectedError("J10", "how many of the committee act is said in line 1, once, or not at all");
    }
    const isAlone = payload.needed === 1;
    if (isAlone !== (payload.reason !== "") || isAlone !== (payload.certifiers === 1)) {
      throw new RejectedError("J10", "one officer acts alone for a reason, and certifies alone; otherwise none does");
    }
    this.terms = payload;
  }

  /** @param {JournalLine} line */
  #add(line) {
    if (!this.terms) throw new RejectedError("J10", "an approval, and no line says how many of the committee act");
    if (this.given.length && !isSameApproval(this.given[0].payload, line.payload)) {
      throw new RejectedError("J10", "two approvals in a row are of different acts");
    }
    if (this.#has(line.actor)) throw new RejectedError("J10", `${line.actor} approves the same act twice`);
    this.given.push(line);
  }

  /**
   * @param {JournalLine} line
   * @param {JsonObject} terms
   */
  #requireEnough(line, terms) {
    const { kind, actor, payload } = line;
    const isService = actor === SERVICE_ACTOR;
    // The service may only end the voting when its time is over; nobody has to want that once more.
    if (isService && (kind !== "closed" || !this.closesAt || String(payload.at) < this.closesAt)) {
      throw new RejectedError("J10", `${kind} by the service, before its time or without the committee`);
    }
    const needed = isService ? 0 : Number(kind === "certified" ? terms.certifiers : terms.needed) - 1;
    if (this.given.length !== needed) {
      throw new RejectedError("J10", `${kind} needs ${needed} approvals before it and has ${this.given.length}`);
    }
    if (needed && !isSameApproval(this.given[0].payload, { act: kind, subject: actSubject(line) })) {
      throw new RejectedError("J10", `what was approved is not this ${kind}`);
    }
    if (this.#has(actor)) throw new RejectedError("J10", `${actor} approves its own act`);
  }

  /** @param {string} actor */
  #has(actor) {
    return this.given.some((line) => line.actor === actor);
  }
}

/**
 * @param {JsonObject} one
 * @param {JsonObject} other
 */
function isSameApproval(one, other) {
  return one.act === other.act && one.subject === other.subject;
}

/**
 * Reads a journal line by line; each feed throws or returns the line.
 *
 * Rules J1 (text), J2 (chain), J3 (kinds), J4 (seals), J5 (states), J6 (commit before reveal), J10 (as many of the
 * committee as were announced). That `boxHead` fits the ballot box is for whoever has the box (rule J8).
 */
export class JournalReader {
  /** @type {JournalLine | null} */
  #previous = null;
  /** @type {string | null} */
  #head = null;
  #keys = new Keys();
  #officers = new Officers();
  #unsealed = false;
  election = "";
  serviceKey = "";
  state = "draft";
  linesSinceSeal = 0;

  /** Owner → commitment, as of the last restart. */
  get commitments() {
    return new Map(this.#keys.committed);
  }

  /** The hash of the last line, null before the first. */
  get head() {
    return this.#head;
  }

  /**
   * @param {Uint8Array} raw without its newline
   * @returns {JournalLine}
   */
  feed(raw) {
    const height = this.#previous === null ? 0 : this.#previous.height + 1;
    try {
      const line = parseLine(raw);
      this.#requireChained(line, height);
      this.#requireSealed(line);
      this.#requireState(line);
      this.#keys.feed(line);
      this.#officers.feed(line);
      this.#previous = line;
      this.#head = sha256Hex(raw);
      return line;
    } catch (error) {
      throw error instanceof ProtocolError ? error.at(`journal line ${height}`) : error;
    }
  }

  /** The end of the journal: there was a first line, and the last change of state is sealed. */
  close() {
    if (this.#previous === null) throw new MalformedError("J1", "the journal is empty");
    const where = `journal line ${this.#previous.height}`;
    if (this.#unsealed) throw new RejectedError("J4", "a change of state is not followed by a seal", where);
    if (this.#officers.given.length) throw new RejectedError("J10", "an approval is not followed by its act", where);
  }

  /**
   * @param {JournalLine} line
   * @param {number} height
   */
  #requireChained(line, height) {
    if (line.height !== height || line.parent !== this.#head) {
      throw new RejectedError("J2", "height or parent does not follow from the line before");
    }
    if ((line.kind === "journal") !== (height === 0)) {
      throw new RejectedError("J2", "the first line, and only it, announces the journal");
    }
    const before = this.#previous?.boxHeight ?? -1;
    if (line.boxHeight < before) throw new RejectedError("J2", "the ballot box became shorter");
    if (this.#previous && line.boxHeight === before && line.boxHead !== this.#previous.boxHead) {
      throw new RejectedError("J2", "two lines name different heads of the same ballot box");
    }
    if (height === 0) {
      this.election = String(line.payload.election);
      this.serviceKey = String(line.payload.service_key);
    }
  }

  /** @param {JournalLine} line */
  #requireSealed(line) {
    if (line.kind === "seal") {
      verifySignature(this.serviceKey, utf8(line.parent ?? ""), line.payload.signature, "J4", "the seal");
      this.#unsealed = false;
      this.linesSinceSeal = 0;
      return;
    }
    if (this.#unsealed) throw new RejectedError("J4", "a change of state is not followed by a seal");
    this.#unsealed = line.kind in STATE_CHANGES;
    this.linesSinceSeal += 1;
  }

  /** @param {JournalLine} line */
  #requireState({ kind, payload }) {
    // Both are of one format, in which the order of texts is the order of times.
    if ("closes_at" in payload && String(payload.closes_at) <= String(payload.at)) {
      throw new RejectedError("J5", `${kind}: voting would close before that`);
    }
    const [allowed, after] = STATE_CHANGES[kind] ?? [RESTRICTED[kind] ?? null, null];
    if (allowed && !allowed.includes(this.state)) {
      throw new RejectedError("J5", `${kind} cannot come when the election is ${this.state}`);
    }
    this.state = after ?? this.state;
  }
}

/**
 * A whole published journal: lines that each end with LF.
 * @param {Uint8Array} raw
 * @param {(done: number, total: number) => void} [onProgress] in bytes
 * @returns {{ lines: JournalLine[], reader: JournalReader }}
 */
export function readJournal(raw, onProgress) {
  const reader = new JournalReader();
  const lines = [];
  for (let start = 0; start < raw.length; ) {
    const end = raw.indexOf(LF, start);
    if (end < 0) throw new MalformedError("J1", "the last line of the journal is incomplete");
    lines.push(reader.feed(raw.subarray(start, end)));
    start = end + 1;
    onProgress?.(start, raw.length);
  }
  reader.close();
  return { lines, reader };
}
