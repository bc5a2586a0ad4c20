// @ts-check
/**
 * Brings an encrypted ballot into the ballot box: sends the very same bytes until it is known what became of them.
 *
 * Nothing is said of a ballot before it is certain. An answer may be lost after the server has taken the ballot, and a
 * request may still be at work on the server when a later one is refused.
 */
import { Unreachable } from "./vote-server.js";
import { findStop, readAnswer } from "./vote-state.js";

// An answer that comes while an earlier request may still be at work on the server decides nothing yet.
const SETTLING_MS = 2_500;

/** @typedef {import("./vote-server.js").Server} Server */
/** @typedef {import("./vote-server.js").Status} Status */
/** @typedef {import("./vote-store.js").Part} Part */
/** @typedef {{ type: string, [name: string]: any }} Event of vote-state.js */
/**
 * What a delivery works with. mayRevote: whether a later ballot replaces an earlier one. note: takes the latest status.
 * @typedef {object} Means
 * @property {Pick<Server, "post" | "lookUp" | "fetchStatus">} server
 * @property {Pick<import("./vote-store.js").Store, "write" | "hasOpened">} store
 * @property {(receipt: string, tracker: string) => Promise<{ height: number }>} verifyReceipt
 * @property {() => boolean} mayRevote
 * @property {(status: Status) => void} note
 * @property {(milliseconds: number) => Promise<unknown>} sleep
 */

/**
 * Whether the Worker ended instead of judging what it was given.
 * @param {unknown} error
 */
export function isProgramFailure(error) {
  return ["WorkerFailed", "Closed"].includes(/** @type {any} */ (error)?.family);
}

/**
 * Where the voter of a ballot stands that this device keeps. What is no ballot of theirs was not written by this program,
 * and is removed; that is for this device to judge: a refusal of the server's makes it forget nothing.
 *
 * @param {{ server: Means["server"], store: Pick<Means["store"], "write"> }} means
 * @param {Part} part
 * @returns {Promise<import("./vote-server.js").Standing | null>} null if it was removed; Unreachable, Refused
 */
export async function findStandingOf({ server, store }, { credential, text }) {
  if (readBallot(text)?.credential === credential) return server.lookUp(credential);
  store.write(credential, { sending: null });
  return null;
}

/** @param {string} text @returns {any} what a ballot that this device keeps says; null for what is no JSON */
export function readBallot(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * What is to be said where the ballot in the box is one that this device had opened: its voter has never cast it, and only
 * the server can have done so.
 *
 * @param {Pick<Means["store"], "hasOpened">} store
 * @param {string} voter
 * @param {string | null} tracker of the ballot in the box
 * @returns {Event | null}
 */
export function findForgery(store, voter, tracker) {
  return tracker !== null && store.hasOpened(voter, tracker) ? { type: "stop", reason: "opened", tracker } : null;
}

/**
 * Sends a ballot until its fate is known; keeps the receipt, and forgets what cannot be cast.
 *
 * @param {Means} means
 * @param {Part} part
 * @param {boolean} isNew whether this page has just made it; otherwise an earlier request may be at work
 * @param {(wanted: number | null, isAnswered: boolean) => Promise<unknown>} waitForNextTry
 * @returns {Promise<Event>} what tells the fate
 */
export async function deliver(means, part, isNew, waitForNextTry) {
  const { server, store } = means;
  const { refused, ...sent } = part;
  // From here on a request may be at work.
  if (refused) store.write(sent.credential, { sending: sent });
  let isDoubtful = !isNew && !refused;
  for (let isFirst = isNew; ; isFirst = false) {
    const other = isFirst || !means.mayRevote() ? null : await findLater(means, sent);
    const forgery = findForgery(store, sent.credential, other ?? null);
    // An earlier request may be at work. The ballot stays here: its voter may need it.
    if (forgery) return { ...forgery, unsent: sent.tracker, fate: "unknown" };
    if (other) {
      store.write(sent.credential, { sending: null });
      return { type: "overtaken", tracker: other, unsent: sent.tracker };
    }
    // Where nobody can tell now whether another one came later, nothing is sent that could replace it.
    const answer = other === undefined ? { status: 0, body: null, wanted: null } : await server.post("ballots", sent.text);
    const meaning = readAnswer(answer.status, answer.body);
    const event =
      meaning === "done" ? await takeReceipt(means, sent, answer.body.receipt)
      : meaning === "lost" ? null
      : await readRefusal(means, sent, meaning, isDoubtful);
    if (event) return event;
    isDoubtful = true;
    await waitForNextTry(answer.wanted, answer.status !== 0);
  }
}

/**
 * The ballot that the voter has cast from elsewhere after this one, and that this one would replace.
 *
 * @param {Means} means
 * @param {Part} part
 * @returns {Promise<string | null | undefined>} its tracker, null if there is none, undefined if nobody can tell now
 */
async function findLater({ server, sleep }, { credential, tracker: own, after = [] }) {
  /** @param {string | null} tracker */
  const isLater = (tracker) => tracker !== null && tracker !== own && !after.includes(tracker);
  try {
    if (!isLater((await server.lookUp(credential)).tracker)) return null;
    // This one may be on its way into the box at this moment.
    await sleep(SETTLING_MS);
    const { tracker } = await server.lookUp(credential);
    return isLater(tracker) ? tracker : null;
  } catch (error) {
    // What is wrong with a ballot is for the answer to the ballot to say.
    return error instanceof Unreachable ? undefined : null;
  }
}

/**
 * @param {Means} means
 * @param {Part} part
 * @param {any} signed
 * @returns {Promise<Event | null>} null where this device could not verify it: then it is fetched again
 */
async function takeReceipt({ store, verifyReceipt }, { credential, tracker, after }, signed) {
  const text = JSON.stringify(signed) ?? "";
  try {
    const { height } = await verifyReceipt(text, tracker);
    // What it has replaced stays known: a server that shows one of those again has dropped this one.
    const kept = { credential, tracker, text, ...(after && { after }) };
    const isKept = store.write(credential, { sending: null, kept });
    return { type: "delivered", receipt: { text, tracker, height, isKept } };
  } catch (error) {
    // Of a program that failed nothing can be concluded about the receipt.
    if (isProgramFailure(error)) return null;
    return { type: "stop", reason: "bad-receipt", tracker, detail: error instanceof Error ? error.message : "" };
  }
}

/**
 * What a refusal means, null if nobody knows yet: nothing may be called lost that an earlier request still casts.
 *
 * @param {Means} means
 * @param {Part} part
 * @param {string} code
 * @param {boolean} isDoubtful whether an earlier request may be at work on the server
 * @returns {Promise<Event | null>}
 */
async function readRefusal(means, part, code, isDoubtful) {
  const { server, store } = means;
  const { credential, tracker: unsent } = part;
  const forget = () => store.write(credential, { sending: null });
  try {
    if (isDoubtful) await means.sleep(SETTLING_MS);
    const status = code === "closed" || code === "not-open" ? await server.fetchStatus() : null;
    if (status) means.note(status);
    // Until the box has ended, an earlier request that came in time may still be at work.
    if (code === "closed" && isDoubtful && status?.box.state === "voting") return null;
    const { tracker } = await server.lookUp(credential);
    // It is in the box: the next try brings the receipt.
    if (tracker === unsent) return null;
    const forgery = findForgery(store, credential, tracker);
    if (forgery) {
      const isLost = !means.mayRevote() || !isDoubtful;
      if (isLost) forget();
      return { ...forgery, unsent, detail: code, fate: isLost ? "not-cast" : "unknown" };
    }
    // Where votes are final, another one in the box is the end of this one, pause or not.
    if (!means.mayRevote() && (code === "already-voted" || tracker !== null)) {
      forget();
      return { type: "voted", tracker, unsent };
    }
    const other = { tracker, hasVoted: tracker !== null, unsent };
    const reason = status && findStop(status.state);
    // The pause is over by now.
    if (code === "not-open" && reason === null) return null;
    if (reason === "paused") {
      // What had arrived before the pause may still be on its way into the box, and nobody can see it there.
      if (!isDoubtful) store.write(credential, { sending: { ...part, refused: true } });
      return { type: "stop", reason, fate: isDoubtful ? "unknown" : "not-cast", ...other };
    }
    forget();
    if (code === "challenged") return { type: "spoiled" };
    return { type: "stop", reason: reason ?? (code === "closed" ? code : "refused"), detail: code, fate: "not-cast", ...other };
  } catch (error) {
    // While an earlier request may be at work, "not in the box" is said by the box or by nobody.
    if (error instanceof Unreachable || isDoubtful) return null;
    forget();
    return { type: "stop", reason: "refused", detail: code, fate: "not-cast" };
  }
}
