// The `.bel` archive: framing of records and events, byte by byte (PROTOCOL §9; rules A1–A5).
//
// An archive is an old-style tar file without end marker: a header record, then data and event records, each named by
// the hash of its body. Every header is fully determined by name, size and the archive's one timestamp, so reading
// means: write it anew and compare.

import {
  encodeJsonBytes,
  equalBytes,
  parseDecimal,
  parseJson,
  requireFields,
  requireInt,
  requireSha256Hex,
  sha256Hex,
  utf8,
} from "./encoding.js";
import { MalformedError, RejectedError } from "./errors.js";

export const BLOCK = 512;
const HEADER_NAME = "BELENIOS";
const EVENT_TYPES = [
  "Setup",
  "Ballot",
  "EndBallots",
  "EncryptedTally",
  "Shuffle",
  "EndShuffles",
  "PartialDecryption",
  "Result",
];
const TYPES_WITHOUT_PAYLOAD = ["EndBallots", "EndShuffles"];
// Eleven octal digits: what a tar header can say about size and time.
const LARGEST_FIELD = 8 ** 11 - 1;
// A hostile size field must cost no memory; a list of a million credentials is 70 MB.
const LARGEST_BODY = 2 ** 28;
const [DIGIT_0, DIGIT_7] = [48, 55];

/**
 * One record of an archive: `offset` of its header, `size` with header and padding; `body` is a copy of its own.
 * @typedef {{ kind: "header" | "data" | "event", hash: string, body: Uint8Array, offset: number, size: number }} ArchiveRecord
 */

/**
 * One link of the chain. `parent` is null in the first, `payload` in end markers.
 * @typedef {{ height: number, type: string, parent: string | null, payload: string | null }} Event
 */

/**
 * Bytes that a record with such a body takes in the archive.
 * @param {number} bodyLength
 */
export function recordSize(bodyLength) {
  return BLOCK + Math.ceil(bodyLength / BLOCK) * BLOCK;
}

/**
 * @param {string} name
 * @param {number} size
 * @param {number} timestamp
 */
function tarHeader(name, size, timestamp) {
  const header = new Uint8Array(BLOCK);
  const octal = (/** @type {number} */ value, /** @type {number} */ width) => value.toString(8).padStart(width, "0");
  /** @type {[number, string][]} */
  const fields = [
    [0, name],
    [100, "0000644\0"],
    [108, "0000000\0"],
    [116, "0000000\0"],
    [124, `${octal(size, 11)}\0`],
    [136, `${octal(timestamp, 11)}\0`],
    [148, " ".repeat(8)],
    [156, "0"],
  ];
  for (const [position, value] of fields) header.set(utf8(value), position);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.set(utf8(`${octal(checksum, 6)}\0 `), 148);
  return header;
}

/**
 * The event's text; its hash is the next event's parent.
 * @param {Event} event
 */
export function encodeEvent({ height, type, parent, payload }) {
  return encodeJsonBytes({
    ...(parent === null ? {} : { parent }),
    height,
    type,
    ...(payload === null ? {} : { payload }),
  });
}

/**
 * Rule A5: the event's shape; its place in the chain is record.js's business.
 * @param {Uint8Array} raw
 * @returns {Event}
 */
export function parseEvent(raw) {
  const order = ["parent", "height", "type", "payload"];
  const fields = requireFields(parseJson(raw, "A5"), ["height", "type"], "A5", { order });
  const { type } = fields;
  if (typeof type !== "string" || !EVENT_TYPES.includes(type)) {
    throw new MalformedError("A5", "unknown type of event");
  }
  if ("payload" in fields === TYPES_WITHOUT_PAYLOAD.includes(type)) {
    throw new MalformedError("A5", `a ${type} event ${"payload" in fields ? "has no" : "needs a"} payload`);
  }
  return {
    height: requireInt(fields.height, "A5", "height"),
    type,
    parent: "parent" in fields ? requireSha256Hex(fields.parent, "A5", "parent") : null,
    payload: "payload" in fields ? requireSha256Hex(fields.payload, "A5", "payload") : null,
  };
}

/**
 * Turns a stream of bytes into records; keeps no more than the record in the making.
 *
 * Feed chunks of any size in order, then `close`. Checks A1 (framing), A2 (names) and A3 (the header record).
 */
export class RecordParser {
  /** What was fed and not yet read. @type {Uint8Array[]} */
  #chunks = [];
  #available = 0;
  /** @type {number | null} */
  timestamp = null;
  /** Where the next record begins. */
  offset = 0;

  /**
   * The records that are complete with this chunk.
   * @param {Uint8Array} chunk
   * @returns {Generator<ArchiveRecord>}
   */
  *feed(chunk) {
    this.#chunks.push(chunk);
    this.#available += chunk.length;
    for (let record = this.#next(); record !== null; record = this.#next()) yield record;
  }

  /** MalformedError (A1) if the stream ended inside a record. */
  close() {
    if (this.#available) throw new MalformedError("A1", "the file ends inside a record", this.#where());
  }

  #where() {
    return `record at byte ${this.offset}`;
  }

  /**
   * The next `length` bytes in one piece, which stay where they are.
   * @param {number} length
   */
  #peek(length) {
    if (this.#chunks[0].length < length) {
      const joined = new Uint8Array(this.#available);
      let place = 0;
      for (const chunk of this.#chunks) {
        joined.set(chunk, place);
        place += chunk.length;
      }
      this.#chunks = [joined];
    }
    return this.#chunks[0].subarray(0, length);
  }

  /** @returns {ArchiveRecord | null} */
  #next() {
    if (this.#available < BLOCK) return null;
    const digits = this.#peek(BLOCK).subarray(124, 135);
    if (digits.some((digit) => digit < DIGIT_0 || digit > DIGIT_7)) {
      throw new MalformedError("A1", "this is not the header of a record", this.#where());
    }
    const length = parseInt(String.fromCharCode(...digits), 8);
    if (length > LARGEST_BODY) {
      throw new MalformedError("A1", `a record of ${length} bytes is too large`, this.#where());
    }
    const size = recordSize(length);
    if (this.#available < size) return null;
    const record = this.#read(this.#peek(size), length);
    this.#chunks[0] = this.#chunks[0].subarray(size);
    this.#available -= size;
    this.offset += size;
    return record;
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} length
   * @returns {ArchiveRecord}
   */
  #read(bytes, length) {
    const header = bytes.subarray(0, BLOCK);
    const body = bytes.slice(BLOCK, BLOCK + length);
    /** @type {ArchiveRecord["kind"]} */
    let kind = "header";
    let [hash, name] = ["", HEADER_NAME];
    if (this.timestamp === null) {
      this.timestamp = this.#readTimestamp(body);
    } else {
      hash = sha256Hex(body);
      kind = equalBytes(header.subarray(64, 76), utf8(".event.json\0")) ? "event" : "data";
      name = `${hash}.${kind}.json`;
      if (!equalBytes(header.subarray(0, 64), utf8(hash))) {
        throw new RejectedError("A2", "the name of a record is not the hash of its body", this.#where());
      }
    }
    if (!equalBytes(header, tarHeader(name, length, this.timestamp))) {
      throw new MalformedError("A1", "the header of a record is not canonical", this.#where());
    }
    if (bytes.subarray(BLOCK + length).some((byte) => byte !== 0)) {
      throw new MalformedError("A1", "the padding of a record is not empty", this.#where());
    }
    return { kind, hash, body, offset: this.offset, size: bytes.length };
  }

  /** @param {Uint8Array} body */
  #readTimestamp(body) {
    const fields = requireFields(parseJson(body, "A3"), ["version", "timestamp"], "A3");
    if (fields.version !== 1) {
      throw new MalformedError("A3", "only version 1 of the archive format is known", this.#where());
    }
    const timestamp = parseDecimal(fields.timestamp, "A3", "timestamp");
    if (timestamp > LARGEST_FIELD) throw new MalformedError("A3", "the timestamp is too large", this.#where());
    return Number(timestamp);
  }
}
