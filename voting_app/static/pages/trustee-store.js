// @ts-check
/**
 * What a trustee's device keeps between visits, under `steward-trustee:UUID:OWNER`: the last line of the journal and
 * the last event of the ballot box that it has seen. Both are published; nothing secret comes here. booth/memory.js
 * compares them.
 *
 * Storage may be forbidden or full: then reading says that nothing is there, and writing says that it failed.
 */

/** @typedef {import("../booth/memory.js").Memory} Memory */
/** @typedef {import("../booth/memory.js").Head} Head */

const VERSION = 1;

/** @param {string} uuid @param {number} owner */
export function keyOf(uuid, owner) {
  return `steward-trustee:${uuid}:${owner}`;
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

/** @param {string} uuid @param {number} owner */
export function readMemory(uuid, owner) {
  try {
    return parseMemory(localStorage.getItem(keyOf(uuid, owner)));
  } catch {
    return null;
  }
}

/**
 * @param {string} uuid
 * @param {number} owner
 * @param {Memory} seen compared with what there was
 * @returns {boolean} whether it is kept
 */
export function writeMemory(uuid, owner, seen) {
  try {
    const text = JSON.stringify({ version: VERSION, ...joinMemories(readMemory(uuid, owner), seen) });
    localStorage.setItem(keyOf(uuid, owner), text);
    // Some private windows take everything and keep nothing.
    return localStorage.getItem(keyOf(uuid, owner)) === text;
  } catch {
    return false;
  }
}
