// @ts-check
/**
 * What the booth keeps on the device, under `steward:UUID`: the encrypted ballot that is being sent, until its receipt
 * is there, and the last receipt, until the voter removes it. All of it is published anyway; nothing secret comes here.
 *
 * Storage may be forbidden or full: then reading says that nothing is there, and writing says that it failed.
 */

const VERSION = 1;

/**
 * credential: the public one, which tells whose part this is among several voters of one device. after: trackers of
 * ballots of the same voter that were cast before this one; where one may vote again, they tell whether the last one
 * in the box is one to be replaced, or a later one.
 * @typedef {{ credential: string, tracker: string, text: string, after?: string[] }} Part
 */
/** @typedef {{ sending: Part | null, kept: Part | null }} Kept text: of the ballot, of the receipt */

/** @type {Kept} */
const NOTHING = Object.freeze({ sending: null, kept: null });

/** @param {string} uuid */
export function keyOf(uuid) {
  return `steward:${uuid}`;
}

/** @param {any} value @returns {Part | null} */
function readPart(value) {
  const { credential, tracker, text, after = [] } = value ?? {};
  const isWhole = Array.isArray(after) && [credential, tracker, text, ...after].every((item) => typeof item === "string");
  return isWhole ? { credential, tracker, text, ...(after.length && { after }) } : null;
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

/** @param {string} uuid */
export function readKept(uuid) {
  try {
    return parseKept(localStorage.getItem(keyOf(uuid)));
  } catch {
    return NOTHING;
  }
}

/**
 * Replaces the parts that are named; null removes one.
 *
 * @param {string} uuid
 * @param {Partial<Kept>} parts
 * @returns {boolean} whether it is kept
 */
export function writeKept(uuid, parts) {
  try {
    const { sending, kept } = { ...readKept(uuid), ...parts };
    if (!sending && !kept) {
      localStorage.removeItem(keyOf(uuid));
      return true;
    }
    const text = JSON.stringify({ version: VERSION, ...(sending && { sending }), ...(kept && { kept }) });
    localStorage.setItem(keyOf(uuid), text);
    // Some private windows take everything and keep nothing.
    return localStorage.getItem(keyOf(uuid)) === text;
  } catch {
    return false;
  }
}
