// @ts-check
/**
 * What a trustee's device keeps between visits, under `steward-trustee:UUID`: the last line of the journal and the last
 * event of the ballot box that it has seen. Both are published; nothing secret comes here. booth/memory.js compares
 * them. There is one place for all trustees of a device: which seat a link has is for the server to say, and a false
 * answer must not lead to a place where nothing is remembered.
 *
 * Storage may be forbidden or full: then reading says that nothing is there, and writing says that it failed.
 */

/** @typedef {import("../booth/memory.js").Memory} Memory */
/** @typedef {import("../booth/memory.js").Head} Head */

const VERSION = 1;

/** @param {string} uuid */
export function keyOf(uuid) {
  return `steward-trustee:${uuid}`;
}

/** @param {any} value @returns {Head | null} */
function readHead(value) {
  const { height, head } = value ?? {};
  const isWhole = Number.isSafeInteger(height) && height >= 0 && typeof head === "string" && /^[0-9a-f]{64}$/.test(head);
  return isWhole ? { height, head } : null;
}

/**
 * @param {string | null} text
 * @returns {Memory | null} null for what this program has not written
 */
export function parseMemory(text) {
  try {
    const value = JSON.parse(text ?? "null");
    const journal = value?.version === VERSION ? readHead(value.journal) : null;
    return journal && { journal, box: readHead(value.box) };
  } catch {
    return null;
  }
}

/**
 * The higher of each: another tab may have seen more in the meantime, and what was seen once is never given up.
 * @param {Memory | null} before
 * @param {Memory} seen
 * @returns {Memory}
 */
export function joinMemories(before, seen) {
  if (!before) return seen;
  const higher = (/** @type {Head | null} */ a, /** @type {Head | null} */ b) => (a && (!b || a.height >= b.height) ? a : b);
  return { journal: higher(before.journal, seen.journal) ?? seen.journal, box: higher(before.box, seen.box) };
}

/** @param {string} uuid */
export function readMemory(uuid) {
  try {
    return parseMemory(localStorage.getItem(keyOf(uuid)));
  } catch {
    return null;
  }
}

/**
 * @param {string} uuid
 * @param {Memory} seen compared with what there was
 * @returns {boolean} whether it is kept
 */
export function writeMemory(uuid, seen) {
  try {
    const text = JSON.stringify({ version: VERSION, ...joinMemories(readMemory(uuid), seen) });
    localStorage.setItem(keyOf(uuid), text);
    // Some private windows take everything and keep nothing.
    return localStorage.getItem(keyOf(uuid)) === text;
  } catch {
    return false;
  }
}
