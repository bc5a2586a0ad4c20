// Receipts and the election's service key (docs/protocol.md §7.4; rules V1, V2).
//
// A receipt is the service's signed word that a ballot stands at a height of the box. It says nothing about the
// choice. Signatures are RFC 8032 Ed25519.

import { ed25519 } from "../vendor/noble.js";
import { encodeJson, isUuid, parseBase64, parseJson, requireFields, requireInt, requireSha256Hex, utf8 } from "./encoding.js";
import { MalformedError, RejectedError } from "./errors.js";

/** @typedef {{ election: string, tracker: string, height: number, event: string, signature: string }} Receipt */

const FIELDS = ["version", "election", "tracker", "height", "event"];
const LABEL = "steward-receipt-1\n";
const [LF, CR] = [10, 13];

/**
 * Whether R, the first half of a signature, is a point of small order; the auditor's library refuses such.
 * @param {Uint8Array} signature
 */
function hasSmallOrder(signature) {
  return ed25519.Point.fromBytes(signature.slice(0, 32)).isSmallOrder();
}

/**
 * RejectedError under `rule` unless `signature` is the key's over `message`.
 * @param {string} publicKey
 * @param {Uint8Array} message
 * @param {unknown} signature
 * @param {string} rule
 * @param {string} what
 */
export function verifySignature(publicKey, message, signature, rule, what) {
  const key = parseBase64(publicKey, rule, 32, "service key");
  const raw = parseBase64(signature, rule, 64, `${what}: signature`);
  if (!ed25519.verify(raw, message, key, { zip215: false }) || hasSmallOrder(raw)) {
    throw new RejectedError(rule, `${what} does not verify under the service key`);
  }
}

/** @param {Receipt} receipt */
function statement({ election, tracker, height, event }) {
  return { version: 1, election, tracker, height, event };
}

/**
 * The receipt as a file, to be saved or printed.
 * @param {Receipt} receipt
 * @returns {string}
 */
export function encodeReceipt(receipt) {
  return encodeJson({ ...statement(receipt), signature: receipt.signature });
}

/**
 * Rule V1; a trailing newline is allowed, as saving a file may add one.
 * @param {Uint8Array} raw
 * @returns {Receipt}
 */
export function parseReceipt(raw) {
  let end = raw.length;
  while (end > 0 && (raw[end - 1] === LF || raw[end - 1] === CR)) end -= 1;
  const fields = requireFields(parseJson(raw.subarray(0, end), "V1"), [...FIELDS, "signature"], "V1");
  if (fields.version !== 1) throw new MalformedError("V1", "only version 1 of receipts is known");
  const { election, tracker, signature } = fields;
  if (!isUuid(election)) throw new MalformedError("V1", "the receipt's election is not a uuid");
  parseBase64(tracker, "V1", 32, "tracker");
  parseBase64(signature, "V1", 64, "signature");
  return {
    election,
    tracker: String(tracker),
    height: requireInt(fields.height, "V1", "height", 1),
    event: requireSha256Hex(fields.event, "V1", "event"),
    signature: String(signature),
  };
}

/**
 * Rule V2: the service key signed it.
 * @param {Receipt} receipt
 * @param {string} publicKey
 */
export function verifyReceipt(receipt, publicKey) {
  verifySignature(publicKey, utf8(LABEL + encodeJson(statement(receipt))), receipt.signature, "V2", "the receipt");
}

/**
 * The receipt is for the ballot that was sent: a service could sign one for another.
 * @param {Receipt} receipt
 * @param {string} election
 * @param {string} tracker
 */
export function requireReceiptFor(receipt, election, tracker) {
  if (receipt.election !== election) throw new RejectedError("V3", "the receipt is of another election");
  if (receipt.tracker !== tracker) throw new RejectedError("V2", "the receipt is for another ballot");
}
