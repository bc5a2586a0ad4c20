// The order rules of the ballot box, as one table (PROTOCOL §9; rules A4, A6, A7).
//
// `Setup Ballot* EndBallots EncryptedTally [Shuffle+ EndShuffles] PartialDecryption+ Result`, the bracket iff a
// question is ranked. Every prefix is a sound, unfinished box. No version of belenios-tool checks this order; the
// server, the auditor and this page do.

import { parseEvent } from "./archive.js";
import { parseOwned } from "./decryption.js";
import { parseJson, requireFields, requireSha256Hex } from "./encoding.js";
import { MalformedError, RejectedError } from "./errors.js";
import { parseSizedTally } from "./tally.js";

/** @typedef {import("./archive.js").ArchiveRecord} ArchiveRecord */
/** @typedef {import("./archive.js").Event} Event */

/**
 * How far a ballot box has come.
 * @typedef {"empty" | "voting" | "ended" | "counted" | "shuffling" | "shuffled" | "decrypting" | "done"} BoxState
 */

/**
 * One event with its data records: `offset` of the first byte, `end` after the last; `dataOffset` of the last data.
 * @typedef {{ event: Event, hash: string, data: Uint8Array[], offset: number, end: number, dataOffset: number }} Entry
 */

/** @type {Record<BoxState, Record<string, BoxState>>} */
const TRANSITIONS = {
  empty: { Setup: "voting" },
  voting: { Ballot: "voting", EndBallots: "ended" },
  ended: { EncryptedTally: "counted" },
  counted: { Shuffle: "shuffling", PartialDecryption: "decrypting" },
  shuffling: { Shuffle: "shuffling", EndShuffles: "shuffled" },
  shuffled: { PartialDecryption: "decrypting" },
  decrypting: { PartialDecryption: "decrypting", Result: "done" },
  done: {},
};

/** The data records right before an event, in order; the last one is its payload. @type {Record<string, string[]>} */
export const DATA_BEFORE = {
  Setup: ["election", "trustees", "credentials", "setup"],
  Ballot: ["ballot"],
  EndBallots: [],
  EncryptedTally: ["encrypted_tally", "sized_tally"],
  Shuffle: ["shuffle", "owned"],
  EndShuffles: [],
  PartialDecryption: ["partial_decryption", "owned"],
  Result: ["result"],
};
const MOST_DATA = 4;

/**
 * The state after an event; RejectedError (A7) if it is out of order.
 * @param {BoxState} state
 * @param {string} type
 * @param {boolean} ranking
 * @param {string | null} [where]
 * @returns {BoxState}
 */
export function nextState(state, type, ranking, where = null) {
  // What follows the encrypted tally depends on whether ballots must be shuffled first.
  const isExcluded = state === "counted" && type === (ranking ? "PartialDecryption" : "Shuffle");
  const after = Object.hasOwn(TRANSITIONS[state], type) ? TRANSITIONS[state][type] : undefined;
  if (after === undefined || isExcluded) {
    throw new RejectedError("A7", `a ${type} event cannot follow when the box is ${state}`, where);
  }
  return after;
}

/**
 * Which hashes the payload says that the records before it have, and the rule that says so.
 * @param {string} type
 * @param {Uint8Array} payload
 * @returns {{ rule: string, hashes: string[] }}
 */
function requiredHashes(type, payload) {
  if (type === "Setup") {
    const names = ["election", "trustees", "credentials"];
    const fields = requireFields(parseJson(payload, "S2"), names, "S2");
    return { rule: "S2", hashes: names.map((name) => requireSha256Hex(fields[name], "S2", name)) };
  }
  if (type === "EncryptedTally") return { rule: "C2", hashes: [parseSizedTally(payload).encryptedTally] };
  if (type === "Shuffle" || type === "PartialDecryption") return { rule: "D1", hashes: [parseOwned(payload).payload] };
  return { rule: "A4", hashes: [] };
}

/** Groups a stream of records into entries and enforces the order rules on the way. */
export class EntryReader {
  /** @type {ArchiveRecord[]} */
  #pending = [];
  /** @type {BoxState} */
  state = "empty";
  height = -1;
  /** @type {string | null} */
  head = null;
  /** Whether ballots must be shuffled: for the caller to say after Setup. */
  ranking = false;

  /**
   * The entry that this record completes, or null.
   * @param {ArchiveRecord} record
   * @returns {Entry | null}
   */
  feed(record) {
    if (record.kind === "header") return null;
    if (record.kind === "data") {
      this.#pending.push(record);
      if (this.#pending.length > MOST_DATA) {
        throw new RejectedError("A4", "data records that belong to no event", this.#where());
      }
      return null;
    }
    const event = parseEvent(record.body);
    this.#advance(event, record.hash);
    const [first, last] = [this.#pending[0] ?? record, this.#pending[this.#pending.length - 1] ?? record];
    const data = this.#pending.map(({ body }) => body);
    this.#pending = [];
    const end = record.offset + record.size;
    return { event, hash: record.hash, data, offset: first.offset, end, dataOffset: last.offset };
  }

  /** MalformedError (A4) if data records stand at the end without their event. */
  close() {
    if (this.#pending.length) {
      throw new MalformedError("A4", "the file ends with data that belong to no event", this.#where());
    }
  }

  #where() {
    return `record at byte ${this.#pending[this.#pending.length - 1].offset}`;
  }

  /**
   * Rules A4 (exactly the right data), A6 (height and parent), A7 (order), and S2, C2, D1 (the payload names the
   * records before it).
   * @param {Event} event
   * @param {string} hash
   */
  #advance(event, hash) {
    const where = `event ${event.height} (${event.type})`;
    if (event.height !== this.height + 1) throw new RejectedError("A6", `height ${this.height + 1} was expected`, where);
    if (event.parent !== this.head) throw new RejectedError("A6", "the parent is not the event before", where);
    const state = nextState(this.state, event.type, this.ranking);
    const roles = DATA_BEFORE[event.type];
    const data = this.#pending;
    if (data.length !== roles.length) {
      throw new RejectedError("A4", `${roles.length} data records were expected, ${data.length} found`, where);
    }
    if (roles.length) {
      const last = data[data.length - 1];
      if (event.payload !== last.hash) {
        throw new RejectedError("A4", "the payload is not the data record right before", where);
      }
      const { rule, hashes } = requiredHashes(event.type, last.body);
      if (hashes.length && hashes.some((named, place) => named !== data[place].hash)) {
        throw new RejectedError(rule, "the payload does not name the data records before it", where);
      }
    }
    this.state = state;
    this.height = event.height;
    this.head = hash;
  }
}
