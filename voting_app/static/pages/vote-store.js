// @ts-check
/**
 * What the booth keeps on the device, for each voter in a place of its own, `steward:UUID:PUBLIC-CREDENTIAL`: the
 * encrypted ballot that is being sent, until its receipt is there, and the last receipt, until somebody removes it. The
 * trackers of ballots that were handed over to be checked stand beside, `steward-opened:UUID:PUBLIC-CREDENTIAL:TRACKER`.
 * All of it is published anyway; nothing secret comes here, and no name: who uses the device later sees trackers.
 *
 * Storage may be forbidden or full: then reading says that nothing is there, and writing says that it failed.
 */

const VERSION = 1;

/**
 * credential: the public one, which tells whose part this is among several voters of one device. after: trackers of
 * ballots of the same voter that were cast before this one; where one may vote again, they tell whether the last one
 * in the box is an earlier one (to be replaced, or put back by a server that dropped this one), or a later one.
 * refused: the server has refused it for now (in a pause) and had not been asked before, so that no earlier request can
 * be at work.
 * @typedef {{ credential: string, tracker: string, text: string, after?: string[], refused?: true }} Part
 */
/** @typedef {{ sending: Part | null, kept: Part | null }} Kept text: of the ballot, of the receipt */

/** @type {Kept} */
const NOTHING = Object.freeze({ sending: null, kept: null });

/** @param {any} value @returns {Part | null} */
function readPart(value) {
  const { credential, tracker, text, after = [], refused } = value ?? {};
  const isWhole = Array.isArray(after) && [credential, tracker, text, ...after].every((item) => typeof item === "string");
  if (!isWhole) return null;
  return { credential, tracker, text, ...(after.length && { after }), ...(refused === true && { refused }) };
}

/**
 * @param {string | null} text
 * @returns {Kept} with nothing in it for what this program has not written
 */
export function parseKept(text) {
  try {
    const value = JSON.parse(text ?? "null");
    return value?.version === VERSION ? { sending: readPart(value.sending), kept: readPart(value.kept) } : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** The places of all voters of one election on this device. */
export class Store {
  #place;
  #opened;
  /** Where storage keeps nothing, this page remembers at least what it did itself. @type {Set<string>} */
  #remembered = new Set();

  /** @param {string} uuid */
  constructor(uuid) {
    this.#place = `steward:${uuid}`;
    this.#opened = `steward-opened:${uuid}`;
  }

  /** @param {string} voter the public credential */
  keyOf(voter) {
    return `${this.#place}:${voter}`;
  }

  /** @param {string} voter @returns {Kept} */
  read(voter) {
    try {
      const { sending, kept } = parseKept(localStorage.getItem(this.keyOf(voter)));
      /** @param {Part | null} part */
      const own = (part) => (part?.credential === voter ? part : null);
      return { sending: own(sending), kept: own(kept) };
    } catch {
      return NOTHING;
    }
  }

  /** What is kept for each voter, in an order that does not tell when they voted. @returns {Kept[]} */
  readAll() {
    try {
      const start = this.keyOf("");
      const keys = Array.from({ length: localStorage.length }, (_, number) => localStorage.key(number) ?? "");
      return keys.filter((key) => key.startsWith(start)).sort().map((key) => this.read(key.slice(start.length)));
    } catch {
      return [];
    }
  }

  /**
   * Replaces the parts that are named; null removes one.
   *
   * @param {string} voter
   * @param {Partial<Kept>} parts
   * @returns {boolean} whether it is kept
   */
  write(voter, parts) {
    try {
      const key = this.keyOf(voter);
      const { sending, kept } = { ...this.read(voter), ...parts };
      if (!sending && !kept) {
        localStorage.removeItem(key);
        return true;
      }
      const text = JSON.stringify({ version: VERSION, ...(sending && { sending }), ...(kept && { kept }) });
      localStorage.setItem(key, text);
      // Some private windows take everything and keep nothing.
      return localStorage.getItem(key) === text;
    } catch {
      return false;
    }
  }

  /**
   * A ballot is handed over to be checked: this voter never casts it. Each has a key of its own, because two tabs that
   * changed one text could lose what the other one wrote.
   *
   * @param {string} voter
   * @param {string} tracker
   */
  noteOpened(voter, tracker) {
    const key = `${this.#opened}:${voter}:${tracker}`;
    this.#remembered.add(key);
    try {
      localStorage.setItem(key, "");
    } catch {
      // Then the page remembers it as long as it is there.
    }
  }

  /**
   * Whether this device handed the ballot over to be checked, so that nobody but the server can have cast it.
   * @param {string} voter
   * @param {string | null} tracker
   */
  hasOpened(voter, tracker) {
    const key = `${this.#opened}:${voter}:${tracker}`;
    if (this.#remembered.has(key)) return true;
    try {
      return localStorage.getItem(key) !== null;
    } catch {
      return false;
    }
  }

  /** @param {string} voter */
  #forgetOpened(voter) {
    const start = `${this.#opened}:${voter}:`;
    const keys = Array.from({ length: localStorage.length }, (_, number) => localStorage.key(number) ?? "");
    for (const key of keys.filter((one) => one.startsWith(start))) localStorage.removeItem(key);
  }

  /**
   * Removes receipts, with what their voters had opened, and never a ballot that is being sent.
   * @param {string | null} tracker of one of them, null for all
   */
  removeReceipts(tracker) {
    for (const { kept } of this.readAll()) {
      if (!kept || (tracker !== null && kept.tracker !== tracker)) continue;
      this.write(kept.credential, { kept: null });
      this.#forgetOpened(kept.credential);
    }
  }

  /** Earlier versions of this program had one place for all voters of a device: what is there moves to theirs. */
  moveFromOldPlace() {
    try {
      const { sending, kept } = parseKept(localStorage.getItem(this.#place));
      const isMoved =
        (!sending || Boolean(this.read(sending.credential).sending) || this.write(sending.credential, { sending })) &&
        (!kept || Boolean(this.read(kept.credential).kept) || this.write(kept.credential, { kept }));
      if (isMoved) localStorage.removeItem(this.#place);
    } catch {
      // Nothing can be read, so nothing can be moved.
    }
  }
}
