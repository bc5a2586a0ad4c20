// @ts-check
/**
 * What a trustee's device keeps between visits, under `steward-trustee:UUID`: the last line of the journal that it has
 * seen, the events of the ballot box, the digest of the sum that it has computed, and since when. All of that is published;
 * nothing secret comes here. booth/memory.js compares it. There is one place for all trustees of a device: which seat a link has is for the server to say, and a false
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

/** @param {unknown} value */
function isHash(value) {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

/** @param {any} value @returns {Head | null} */
function readHead(value) {
  const { height, head } = value ?? {};
  const isWhole = Number.isSafeInteger(height) && height >= 0 && isHash(head);
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
    const tally = isHash(value?.tally) ? { tally: value.tally } : {};
    const since = Number.isSafeInteger(value?.since) && value.since >= 0 ? { since: value.since } : {};
    return journal && { ...tally, ...since, journal, box: [value.box].flat().map(readHead).filter((event) => event !== null) };
  } catch {
    return null;
  }
}

/** @param {string} uuid @returns {string | null} what stands there, read by nobody yet */
function readText(uuid) {
  try {
    return localStorage.getItem(keyOf(uuid));
  } catch {
    return null;
  }
}

/** @param {string} uuid */
export function readMemory(uuid) {
  return parseMemory(readText(uuid));
}

/**
 * @param {string} uuid
 * @param {Memory} seen
 * @returns {boolean} whether it is kept
 */
function writeMemory(uuid, seen) {
  try {
    const text = JSON.stringify({ version: VERSION, ...seen });
    localStorage.setItem(keyOf(uuid), text);
    // Some private windows take everything and keep nothing.
    return localStorage.getItem(keyOf(uuid)) === text;
  } catch {
    return false;
  }
}

/**
 * While no other tab does the same. A browser that forbids storage may forbid this as well: then nothing is written.
 * @template T
 * @param {string} name
 * @param {() => T} action
 * @returns {Promise<T>}
 */
async function alone(name, action) {
  /** @type {T[]} */
  const results = [];
  try {
    await navigator.locks.request(name, () => {
      results.push(action());
    });
  } catch {
    if (!results.length) return action();
  }
  return results[0];
}

/**
 * Compares what is published with what was seen before, and notes what has been seen now. What stands there is replaced
 * only by what was compared with it: where another tab has noted something meanwhile, it is compared once more.
 * @param {string} uuid
 * @param {(memory: Memory | null) => Promise<Memory>} compare throws where it does not go on from there
 * @returns {Promise<{ isCompared: boolean, isKept: boolean }>}
 */
export async function note(uuid, compare) {
  for (;;) {
    const before = readText(uuid);
    const memory = parseMemory(before);
    const seen = await compare(memory);
    const isKept = await alone(keyOf(uuid), () => (readText(uuid) === before ? writeMemory(uuid, seen) : null));
    if (isKept !== null) return { isCompared: memory !== null, isKept };
  }
}
