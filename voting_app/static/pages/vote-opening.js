// @ts-check
/**
 * What the booth does when it is opened: fetches and checks the election's data, and finds out where this voter stands.
 */
import { CallError } from "../booth/client.js";
import { findForgery, findStandingOf, isProgramFailure, readBallot } from "./vote-delivery.js";
import { Refused, Unreachable, Unreadable } from "./vote-server.js";
import { findStop } from "./vote-state.js";
import { mayRevote } from "./vote-views.js";

// The group in which booth/group.js computes; elections in another one are for programs.
const GROUP = "Ed25519";

/** @typedef {import("./vote-store.js").Part} Part */
/** @typedef {import("./vote-views.js").Facts} Facts */
/** @typedef {{ type: string, [name: string]: any }} Event of vote-state.js */
/**
 * Who has come. code: secret, as it was given; "" without one. fingerprint: what the link says that it is. voter: the
 * public credential, "" until it was computed. isAnother: has seen what this device keeps, and wants to vote with another
 * code. picked: tracker of a receipt of this device that the reader wants to see.
 * @typedef {{ code: string, fingerprint: string | null, voter: string, isAnother: boolean, picked: string | null }} Visitor
 */
/**
 * What finding out works with. deliverOthers: casts what other voters of this device were sending.
 * @typedef {object} Booth
 * @property {string} uuid
 * @property {import("./vote-server.js").Server} server
 * @property {import("./vote-store.js").Store} store
 * @property {Facts} facts
 * @property {Visitor} visitor
 * @property {(op: string, args: object) => Promise<any>} compute
 * @property {(parts: Part[]) => void} deliverOthers
 */

/**
 * Why it could not be found out. A ballot that is being sent is not called unsent.
 *
 * @param {unknown} error
 * @param {Pick<Booth, "store" | "visitor">} booth
 * @returns {Event}
 */
export function explain(error, { store, visitor: { voter } }) {
  const isPending = store.readAll().some(({ sending }) => sending && (!voter || sending.credential === voter));
  const stop = { type: "stop", detail: "", fate: isPending ? "unknown" : null };
  if (error instanceof Unreadable) return { ...stop, reason: "unreadable", detail: error.message };
  if (error instanceof Unreachable) return { ...stop, reason: "unreachable" };
  if (error instanceof Refused && error.code === "not-set-up") return { ...stop, reason: "not-set-up", fate: null };
  if (error instanceof Refused) return { ...stop, reason: "unreachable", detail: error.code };
  if (isProgramFailure(error)) return { ...stop, reason: "too-old" };
  return { ...stop, reason: "bad-data", detail: error instanceof CallError ? error.message : "", fate: null };
}

/**
 * @param {Booth} booth
 * @returns {Promise<Event>}
 */
export async function findOut(booth) {
  const { uuid, server, compute, facts, visitor } = booth;
  const [status, raw, trustees] = await Promise.all([
    server.fetchStatus(),
    server.fetchRecord("election"),
    server.fetchRecord("trustees"),
  ]);
  facts.status = status;
  if (status.group !== GROUP) return { type: "stop", reason: "unsupported" };
  const election = await compute("prepare", { election: raw.buffer });
  facts.election = election;
  if (visitor.fingerprint !== null && election.fingerprint !== visitor.fingerprint) {
    return { type: "stop", reason: "other-data" };
  }
  if (election.uuid !== uuid || status.uuid !== uuid) return { type: "stop", reason: "bad-data", detail: "uuid" };
  const { record } = election;
  if (record === null) return { type: "stop", reason: "unbound" };
  // The election data decide. A server that says something else somewhere says so to be believed by somebody.
  if (status.service_key !== record.serviceKey) return { type: "stop", reason: "bad-data", detail: "service_key" };
  if (status.revoting !== record.revotes) return { type: "stop", reason: "bad-data", detail: "revoting" };
  facts.needed = (await compute("checkTrustees", { trustees: trustees.buffer })).needed;
  facts.isNamed = visitor.fingerprint !== null;
  visitor.voter = "";
  if (visitor.code) {
    try {
      visitor.voter = (await compute("publicCredential", { credential: visitor.code })).credential;
    } catch (error) {
      if (!(error instanceof CallError) || error.rule !== "B4") throw error;
      visitor.code = "";
      return { type: "ask", codeFault: { wrong: "link" } };
    }
  }
  return (await findUnfinished(booth)) ?? (await findStanding(booth));
}

/**
 * What holds for each question, and which of its answers this voter is shown first.
 * @param {any} election
 * @returns {import("./vote-state.js").Rules[]}
 */
export function makeRules({ questions, texts, orders }) {
  return questions.map((/** @type {any} */ rules, /** @type {number} */ number) => {
    const answers = texts[0].questions[number].answers.length;
    return { ...rules, answers, first: orders?.[number] === "rotated" ? drawBelow(answers) : 0 };
  });
}

/** A number from 0 on, each equally likely. @param {number} limit @returns {number} */
function drawBelow(limit) {
  const [drawn] = crypto.getRandomValues(new Uint32Array(1));
  // The last numbers are drawn again where they would make the first ones likelier.
  return drawn < 2 ** 32 - (2 ** 32 % limit) ? drawn % limit : drawBelow(limit);
}

/**
 * Whether a ballot names other election data than those that are shown, by their fingerprint.
 * @param {Part} part
 * @param {Facts} facts
 */
function isForeign({ text }, { election }) {
  const { election_hash: named } = readBallot(text) ?? {};
  // What is no ballot is removed where it is looked for.
  return named !== undefined && named !== election?.fingerprint;
}

/**
 * A ballot that was being sent when the page went away: the voter had said "cast", and it is cast now. Those of other
 * voters of this device are cast meanwhile.
 *
 * @param {Booth} booth
 * @returns {Promise<Event | null>} null if there is none
 */
async function findUnfinished(booth) {
  const { store, facts, visitor: { voter, fingerprint } } = booth;
  const pending = store.readAll().flatMap(({ sending }) => sending ?? []);
  // Who came without a code may be any of those who have voted here.
  const own = pending.find(({ credential }) => !voter || credential === voter);
  // With a link that names them the data are the right ones. Otherwise a ballot that was made here before knows better:
  // other data may name another key, under which a receipt proves nothing.
  const foreign = pending.find((part) => isForeign(part, facts) && (part === own || fingerprint === null));
  if (foreign) {
    return { type: "stop", reason: "other-data", ...(foreign === own ? { fate: "unknown", unsent: own.tracker } : { fate: null }) };
  }
  const isPaused = facts.status?.state === "paused";
  if (!isPaused) booth.deliverOthers(pending.filter((part) => part !== own && !isForeign(part, facts)));
  const standing = own && (await findStandingOf(booth, own));
  if (!standing) return null;
  const { tracker } = standing;
  const forgery = findForgery(store, own.credential, tracker);
  if (forgery) return { ...forgery, unsent: own.tracker, fate: "unknown" };
  if (isPaused && (tracker === null || own.after?.includes(tracker))) {
    const fate = own.refused ? "not-cast" : "unknown";
    return { type: "stop", reason: "paused", fate, tracker, hasVoted: tracker !== null, unsent: own.tracker };
  }
  return { type: "resume", part: own, ballot: { text: own.text, tracker: own.tracker, code: null } };
}

/**
 * The receipt on this device that concerns whoever has come: the own one, the one that was asked for, or the only one.
 *
 * @param {Part[]} receipts
 * @param {Visitor} visitor
 * @returns {Part | undefined}
 */
export function findReceipt(receipts, { voter, isAnother, picked }) {
  if (voter) return receipts.find(({ credential }) => credential === voter);
  if (picked) return receipts.find(({ tracker }) => tracker === picked);
  return receipts.length === 1 && !isAnother ? receipts[0] : undefined;
}

/**
 * @param {Booth} booth
 * @returns {Promise<Event>}
 */
async function findStanding(booth) {
  const { server, store, facts, visitor } = booth;
  const reason = findStop(facts.status?.state ?? "");
  const receipts = store.readAll().flatMap(({ kept }) => kept ?? []);
  const kept = findReceipt(receipts, visitor);
  const own = kept ? await readReceipt(booth, kept) : null;
  const voter = kept?.credential ?? visitor.voter;
  const standing = voter ? await server.lookUp(voter) : null;
  const forgery = findForgery(store, voter, standing?.tracker ?? null);
  // The receipt of another ballot proves that this voter cast that one.
  if (forgery) return { ...forgery, receipt: kept ? { text: kept.text, tracker: kept.tracker, height: 0, isKept: true } : null };
  if (kept) {
    const { tracker = null } = standing ?? {};
    // Where one may vote again, another one may be in the box; but none that was there before this one.
    const isLater = tracker !== null && mayRevote(facts) && !kept.after?.includes(tracker);
    // What was signed for stays true: a box without the ballot, or another key, is the server's lie.
    if (!own || (tracker !== own.tracker && !isLater)) {
      const { text, tracker: missing } = kept;
      return { type: "stop", reason: "contradiction", tracker: missing, receipt: { text, tracker: missing, height: 0, isKept: true } };
    }
  }
  if (own && (!visitor.code || reason)) return { type: "keep", receipt: own, isFound: !visitor.code };
  if (!visitor.code || !standing) {
    // Several have voted here, and this page cannot know who reads it. The order tells nothing.
    const shelf = receipts.map(({ tracker }) => tracker).sort();
    return reason ? { type: "stop", reason, shelf } : { type: "ask", shelf };
  }
  const { listed, tracker } = standing;
  if (reason) return { type: "stop", reason, tracker, hasVoted: listed ? tracker !== null : null };
  if (!listed) {
    visitor.code = "";
    return { type: "stop", reason: "unlisted" };
  }
  if (tracker === null || mayRevote(facts)) {
    return { type: "welcome", rules: makeRules(facts.election), tracker, receipt: own };
  }
  return own?.tracker === tracker ? { type: "keep", receipt: own } : { type: "voted", tracker };
}

/**
 * A receipt that this device keeps; null for one that is not valid under the key that the election data name.
 *
 * @param {Pick<Booth, "uuid" | "facts" | "compute">} booth
 * @param {Part} kept
 */
export async function readReceipt({ uuid, facts, compute }, { text, tracker }) {
  try {
    const serviceKey = facts.election?.record?.serviceKey;
    const { height } = await compute("verifyReceipt", { receipt: text, serviceKey, election: uuid, tracker });
    return { text, tracker, height, isKept: true };
  } catch (error) {
    // Of a program that failed nothing can be concluded about the receipt.
    if (isProgramFailure(error)) throw error;
    return null;
  }
}
