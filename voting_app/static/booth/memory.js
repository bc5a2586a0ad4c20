// What a trustee's device has seen of the published record, and that the record goes on from there (rule T9).
//
// Both chains only ever grow. Whoever holds the service key could leave ballots out before any trustee has decrypted,
// and seal the journal anew from there: in itself that record is sound. Who remembers one line and one event from
// before notices it. Nothing that is remembered here is secret.

import { RejectedError } from "./errors.js";

/** @typedef {import("./journal.js").JournalLine} JournalLine */
/** @typedef {import("./journal.js").JournalReader} JournalReader */
/** @typedef {{ height: number, head: string }} Head a line or an event by its hash */
/**
 * `box`: its events that have to be found in it. A visit that does not fetch the box has no more than the server's word
 * for the newest one, so it never takes the place of another: all of them are kept until a whole box had them all.
 * `tally`: the digest of the sum that a key of this device was to be applied to; another one is never opened here.
 * `since`: how high the journal was at the first visit that is remembered.
 * @typedef {{ journal: Head, box: readonly Head[], tally?: string, since?: number }} Memory
 */
/** @typedef {{ lines: readonly JournalLine[], reader: JournalReader }} Journal */

/**
 * The ballot box as far as it is known at a visit: how high it is, and its events. Where only its newest event was
 * asked for (not `isWhole`), the others are undefined.
 * @typedef {{ height: number, isWhole: boolean, headAt: (height: number) => string | undefined }} KnownBox
 */

/** So many events may wait to be found; then the next visit fetches the box. */
export const MOST_EVENTS = 64;

/**
 * The journal that was known is the beginning of this one.
 * @param {Head} known its last line
 * @param {Journal} journal
 */
export function requireSameJournal(known, { lines, reader }) {
  const hash = known.height === lines.length - 1 ? reader.head : lines[known.height + 1]?.parent;
  if (hash !== known.head) {
    throw new RejectedError("T9", `line ${known.height} of the journal is not the one that was seen before`);
  }
}

/**
 * @param {Head} known
 * @param {KnownBox} box
 */
function requireSameBox(known, { height, headAt }) {
  if (known.height > height) {
    throw new RejectedError("T9", `the ballot box ends at event ${height}, but event ${known.height} was seen before`);
  }
  if ((headAt(known.height) ?? known.head) !== known.head) {
    throw new RejectedError("T9", `event ${known.height} of the ballot box is not the one that was seen before`);
  }
}

/**
 * What has to be found in the box at later visits.
 * @param {readonly Head[]} known all of them fit this box
 * @param {KnownBox} box
 * @returns {readonly Head[]}
 */
function noteNewest(known, { height, isWhole, headAt }) {
  const head = headAt(height);
  if (head === undefined) return known;
  if (isWhole) return [{ height, head }];
  return known.some((event) => event.height === height) ? known : [...known, { height, head }];
}

/**
 * Compares what is published with what was seen before, and tells what has been seen now.
 * @param {Memory | null} memory null at the first visit
 * @param {Journal} journal fetched before the box: what comes to the box meanwhile is not missed in it
 * @param {KnownBox} box
 * @returns {Memory}
 */
export function compareWithMemory(memory, journal, box) {
  const { lines, reader } = journal;
  const known = memory?.box ?? [];
  if (memory) requireSameJournal(memory.journal, journal);
  for (const event of known) requireSameBox(event, box);
  for (const { height, boxHeight, boxHead } of lines) {
    const isKept = boxHeight <= box.height && (box.headAt(boxHeight) ?? boxHead) === boxHead;
    if (boxHeight >= 0 && !isKept) {
      throw new RejectedError("J8", "it names an event that the ballot box does not have", `journal line ${height}`);
    }
    // What a trustee saw of the box before this line was written stands in the journal, too.
    if (known.some((event) => event.height === boxHeight && event.head !== boxHead)) {
      throw new RejectedError("T9", `event ${boxHeight} of the ballot box is not the one that was seen before`);
    }
  }
  const { tally, since } = memory ?? { since: lines.length - 1 };
  return {
    journal: { height: lines.length - 1, head: String(reader.head) },
    box: noteNewest(known, box),
    ...(tally === undefined ? {} : { tally }),
    ...(since === undefined ? {} : { since }),
  };
}

/**
 * Whether this device remembers a visit from before that line. Its memory can be erased: by its owner, by the browser,
 * and by a header of the very server that it is to be held against.
 * @param {Memory | null} memory
 * @param {number | null} line where this trustee showed the key; null where there is none
 */
export function remembersFrom(memory, line) {
  return line === null || (memory !== null && (memory.since ?? 0) < line);
}

/**
 * The sum is the one that this device was about to open before, in another tab or at another visit: the difference of
 * two sums could tell single votes.
 * @param {Memory | null} memory
 * @param {string} digest
 */
export function requireSameTally(memory, digest) {
  if (memory?.tally !== undefined && memory.tally !== digest) {
    throw new RejectedError("T9", "the sum is not the one that this device has computed before");
  }
}
