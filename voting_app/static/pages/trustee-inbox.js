// @ts-check
/** Reads what the server says to a trustee. What is not of this form is no answer: nothing of it is shown. */

/**
 * The inbox of this trustee as the server shows it (schema Inbox of openapi.json).
 * @typedef {object} Inbox
 * @property {string} election
 * @property {string} election_name
 * @property {number} owner
 * @property {number} trustees how many the election has
 * @property {string | null} name
 * @property {"single" | "threshold"} kind
 * @property {number | null} size of the threshold group; null where every trustee has a whole key
 * @property {number | null} threshold how many of them are needed
 * @property {string} step
 * @property {string[]} acts
 * @property {string | null} act
 * @property {number | null} number
 * @property {{ owner: number, name: string | null }[]} awaited
 */

/** @type {Record<Inbox["kind"], string[]>} */
const ACTS = {
  single: ["commitment", "reveal", "drill", "decryption"],
  threshold: ["certificate", "commitment", "reveal", "share", "drill", "decryption"],
};
const WAITS = [
  "wait-certificates",
  "wait-commitments",
  "wait-reveals",
  "wait-shares",
  "wait-keys-ready",
  "wait-close",
  "wait-tally",
  "wait-result",
  "done",
];

/** @param {unknown} value @param {number} highest */
function isOwner(value, highest) {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= highest;
}

/** @param {unknown} value */
function isName(value) {
  return value === null || typeof value === "string";
}

/**
 * What the page shows of the quorum is what the Worker makes the key for.
 * @param {any} value
 */
function isQuorum({ kind, size, threshold, trustees, inputs }) {
  if (kind === "single" && size === null) return threshold === null;
  if (!isOwner(size, trustees) || !isOwner(threshold, size)) return false;
  return kind === "single" || (inputs?.size === size && inputs.threshold === threshold);
}

/**
 * How many of how many trustees open the result.
 * @param {Inbox} inbox
 */
export function quorumOf({ size, threshold, trustees }) {
  return { needed: size === null || threshold === null ? trustees : trustees - size + threshold, count: trustees };
}

/**
 * @param {any} value
 * @param {string} uuid
 */
function isInbox(value, uuid) {
  const { election, election_name: name, owner, trustees, kind, step, acts, act, number, awaited } = value;
  if (election !== uuid || typeof name !== "string" || !isName(value.name)) return false;
  if (!isOwner(trustees, Number.MAX_SAFE_INTEGER) || !isOwner(owner, trustees)) return false;
  if (!isQuorum(value)) return false;
  if (typeof kind !== "string" || !Object.hasOwn(ACTS, kind)) return false;
  const known = ACTS[/** @type {Inbox["kind"]} */ (kind)];
  if (!Array.isArray(acts) || acts.length !== known.length || acts.some((one, place) => one !== known[place])) return false;
  if (!known.includes(step) && !WAITS.includes(step)) return false;
  // Whose turn it is does the act that is named; who waits may do one later.
  if (known.includes(step) && act !== step) return false;
  if (act === null ? number !== null : !known.includes(act) || number !== known.indexOf(act) + 1) return false;
  return Array.isArray(awaited) && awaited.every((one) => isOwner(one?.owner, trustees) && isName(one.name));
}

/**
 * @param {string} text
 * @param {string} uuid of the election that this page is for
 * @returns {Inbox | null} null if it is none
 */
export function parseInbox(text, uuid) {
  try {
    const value = JSON.parse(text);
    return isInbox(value, uuid) ? value : null;
  } catch {
    return null;
  }
}

/**
 * A member of a problem document; "" where there is none.
 * @param {string} text
 * @param {"code" | "title"} name
 */
export function readProblem(text, name) {
  try {
    const value = JSON.parse(text)[name];
    return typeof value === "string" ? value : "";
  } catch {
    return "";
  }
}
