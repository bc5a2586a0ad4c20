// @ts-check
/**
 * What a second device finds out about a ballot that was opened instead of cast: pure but for what it is given to ask with.
 */

/** The server has nothing at that address. */
export class Missing extends Error {}

/** @typedef {{ choices: (number[] | "blank")[] } | { rule: string, message: string }} Contents or why it is not what its code tells */
/**
 * isGivenUp: whether the journal says so. Else the server, which has the ballot, could cast it in its voter's name.
 * @typedef {{ election: any, contents: Contents, isGivenUp: boolean }} Finding
 */
/**
 * get: fetches, or throws Missing. call: has the Worker compute.
 * @typedef {{ get: (path: string) => Promise<ArrayBuffer>, call: (op: string, args: object) => Promise<any> }} Means
 */

const CODE = /1\.([A-Za-z0-9+/]{43})\.[A-Za-z0-9+/]{43}\.[0-9,;b]*/;

/** Some scanners and messengers write signs of an address in another way. @param {string} text */
function undoEscapes(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The code in what was scanned or pasted: a whole address, a code, or a code with line breaks in it.
 *
 * @param {string} text
 * @returns {{ code: string, tracker: string } | null}
 */
export function findCode(text) {
  const found = CODE.exec(undoEscapes(text).replace(/\s+/g, ""));
  return found && { code: found[0], tracker: found[1] };
}

/** @param {string} tracker base64 @returns {string} the same hash in hex */
export function trackerToHex(tracker) {
  return Array.from(atob(tracker), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

/**
 * Throws Missing where the server does not know the ballot, and something else where nothing could be found out.
 *
 * @param {string} uuid
 * @param {{ code: string, tracker: string }} opened
 * @param {Means} means
 * @returns {Promise<Finding>}
 */
export async function openGivenUp(uuid, { code, tracker }, { get, call }) {
  const api = `/api/v1/elections/${uuid}`;
  const [raw, ballot] = await Promise.all([get(`${api}/election`), get(`${api}/challenges/${trackerToHex(tracker)}`)]);
  const election = await call("prepare", { election: raw });
  if (election.uuid !== uuid) throw new Missing();
  const contents = await open(call, ballot, code);
  // Of a ballot that is wrong already nothing else must be known; a journal that does not come must not hide it.
  const isGivenUp = "choices" in contents && (await isInJournal(uuid, tracker, election, { get, call }));
  return { election, contents, isGivenUp };
}

/**
 * @param {Means["call"]} call
 * @param {ArrayBuffer} ballot
 * @param {string} code
 * @returns {Promise<Contents>}
 */
async function open(call, ballot, code) {
  try {
    return await call("checkChallenge", { ballot, code });
  } catch (error) {
    const { rule = null, message = "" } = /** @type {any} */ (error);
    // Of a program that failed nothing can be concluded about the ballot.
    if (rule === null) throw error;
    return { rule, message };
  }
}

/**
 * Whether the journal, which must be this election's and of the key that its data name, says that the ballot was opened.
 *
 * @param {string} uuid
 * @param {string} tracker
 * @param {any} election
 * @param {Means} means
 */
async function isInJournal(uuid, tracker, { record }, { get, call }) {
  let raw;
  try {
    raw = await get(`/elections/${uuid}/${uuid}.journal.jsonl`);
  } catch (error) {
    // An election without a journal: that it does not know the ballot is something else.
    if (error instanceof Missing) return false;
    throw error;
  }
  const journal = await call("readJournal", { journal: raw });
  if (journal.election !== uuid || (record && record.serviceKey !== journal.serviceKey)) return false;
  /** @param {{ kind: string, payload: any }} line */
  const isOurs = ({ kind, payload }) => kind === "ballot-challenged" && payload.tracker === tracker;
  return journal.lines.some(isOurs);
}
