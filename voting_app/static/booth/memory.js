// What a trustee's device has seen of the published record, and that the record goes on from there (rule T9).
//
// Both chains only ever grow. Whoever holds the service key could leave ballots out before any trustee has decrypted,
// and seal the journal anew from there: in itself that record is sound. Who remembers one line and one event from
// before notices it. Nothing that is remembered here is secret.

import { RejectedError } from "./errors.js";

/** @typedef {import("./journal.js").JournalLine} JournalLine */
/** @typedef {import("./journal.js").JournalReader} JournalReader */
/** @typedef {{ height: number, head: string }} Head a line or an event by its hash */
/** @typedef {{ journal: Head, box: Head | null }} Memory box: null before its Setup */
/** @typedef {{ lines: readonly JournalLine[], reader: JournalReader }} Journal */

/**
 * The ballot box as far as it is known at a visit: how high it is, and its events. Where only its newest event was
 * asked for, the others are undefined.
 * @typedef {{ height: number, headAt: (height: number) => string | undefined }} KnownBox
 */

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
 * Compares what is published with what was seen before, and tells what has been seen now.
 * @param {Memory | null} memory null at the first visit
 * @param {Journal} journal fetched before the box: what comes to the box meanwhile is not missed in it
 * @param {KnownBox} box
 * @returns {Memory}
 */
export function compareWithMemory(memory, journal, box) {
  const { lines, reader } = journal;
  if (memory) {
    requireSameJournal(memory.journal, journal);
    if (memory.box) requireSameBox(memory.box, box);
  }
  for (const { height, boxHeight, boxHead } of lines) {
    const isKept = boxHeight <= box.height && (box.headAt(boxHeight) ?? boxHead) === boxHead;
    if (boxHeight >= 0 && !isKept) {
      throw new RejectedError("J8", "it names an event that the ballot box does not have", `journal line ${height}`);
    }
    // What a trustee saw of the box before this line was written stands in the journal, too.
    if (memory?.box && memory.box.height === boxHeight && memory.box.head !== boxHead) {
      throw new RejectedError("T9", `event ${boxHeight} of the ballot box is not the one that was seen before`);
    }
  }
  const head = box.headAt(box.height);
  return {
    journal: { height: lines.length - 1, head: String(reader.head) },
    box: head === undefined ? null : { height: box.height, head },
  };
}
