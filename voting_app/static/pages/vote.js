// @ts-check
/**
 * The booth: holds the voter's code, asks the server, has the Worker compute, and shows what vote-state.js says.
 *
 * What is secret is in the variables of this module and in the Worker's memory, and nowhere else: the code until the
 * receipt is there, the choices until the ballot is on its way, the seed until it is cast or was shown on purpose.
 */
import { CallError, Client } from "../booth/client.js";
import { show } from "./dom.js";
import { keepPageInOtherLanguages } from "./frame.js";
import { _, loadTexts } from "./texts.js";
import { START, completeChoices, findStop, next, readAnswer, readFragment, readTyped } from "./vote-state.js";
import { keyOf, parseKept, readKept, writeKept } from "./vote-store.js";
import { draw, mayRevote } from "./vote-views.js";

/** @typedef {import("./vote-state.js").State} State */
/** @typedef {import("./vote-store.js").Part} Part */
/** @typedef {{ status: number, body: any, wanted: number | null }} Answer wanted: seconds that the server asks to wait */

// The group in which booth/group.js computes; elections in another one are for programs.
const GROUP = "Ed25519";
const PATIENCE_MS = 30_000;
// An answer that comes while an earlier request may still be at work on the server decides nothing yet.
const SETTLING_MS = 2_500;

const uuid = location.pathname.split("/")[2];
const api = `/api/v1/elections/${uuid}`;
const place = /** @type {HTMLElement} */ (document.getElementById("view"));
const announcer = document.createElement("p");

/** @type {State} */
let state = START;
/** @type {import("./vote-views.js").Facts} */
const facts = { uuid, language: document.documentElement.lang, election: null, status: null, isNamed: false };
/** @type {Client | null} */
let worker = null;
/** The voter's code, as it was given. */
let credential = "";
/** What the link says that the election's fingerprint is. @type {string | null} */
let fingerprint = null;
/** The public credential, once it was computed. */
let publicCredential = "";
/** Ends the wait before the next try. */
let wake = () => {};
/** Counts what was begun, so that what was given up goes nowhere. */
let errand = 0;
/** Whether the voter has seen the receipt that this device keeps, and wants to vote with another code. */
let isAnother = false;
let isFirst = true;

// --- the server ----------------------------------------------------------------------------------------------------

/** No answer, or one that is none of ours. */
class Unreachable extends Error {}

/** A refusal of ours. */
class Refused extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** An end for a request that never ends: the next one may find a better connection. */
function limitPatience() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), PATIENCE_MS);
  return controller.signal;
}

/** @param {string} path @param {RequestInit} [options] */
async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-cache", redirect: "error", ...options, signal: limitPatience() });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Unreachable();
  }
  const code = (await response.json().catch(() => null))?.code;
  if (typeof code !== "string" || response.status >= 500) throw new Unreachable();
  throw new Refused(code);
}

/** @param {string} path @param {RequestInit} [options] */
async function askJson(path, options) {
  const bytes = await ask(path, options);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new Unreachable();
  }
}

/**
 * Sends a ballot, exactly as it is.
 * @param {"ballots" | "challenges"} where
 * @param {string} text
 * @returns {Promise<Answer>}
 */
async function post(where, text) {
  try {
    const response = await fetch(`${api}/${where}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: text,
      redirect: "error",
      signal: limitPatience(),
    });
    const seconds = Number(response.headers.get("Retry-After") ?? NaN);
    return { status: response.status, body: await response.json(), wanted: Number.isFinite(seconds) ? seconds : null };
  } catch {
    return { status: 0, body: null, wanted: null };
  }
}

/**
 * The tracker of the last ballot of a public credential, null if there is none.
 * @param {string} of
 * @returns {Promise<{ listed: boolean, tracker: string | null }>}
 */
async function lookUp(of) {
  const body = JSON.stringify({ credential: of });
  return askJson(`${api}/credentials/lookup`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
}

/** @param {number} milliseconds */
function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Waits before the next try: for the time to pass, for the network to come back, or for the voter's tap.
 * @param {number} seconds
 */
function rest(seconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, 1000 * seconds);
    addEventListener("online", done, { once: true });
    wake = done;
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve(undefined);
    }
  });
}

/**
 * Everything that is computed with secrets or with the election's data happens in the Worker.
 * @param {string} op
 * @param {object} args
 * @param {(done: number, total: number) => void} [onProgress]
 */
function compute(op, args, onProgress) {
  worker ??= new Client();
  return worker.call(op, args, onProgress);
}

// --- events --------------------------------------------------------------------------------------------------------

/**
 * @param {string} type
 * @param {Record<string, any>} [values]
 */
function act(type, values = {}) {
  const before = state;
  state = next(state, { ...values, type });
  if (state === before) return;
  render(before, type);
  if (type === "begin") history.pushState({ step: 1 }, "");
  if (type === "tryAgain") wake();
  if (state.view === before.view) return;
  // What is left behind is given up.
  if (before.view === "challenging") wake();
  if (type === "reopen") isAnother = !credential;
  if (state.view === "opening") void open();
  if (state.view === "encrypting") void encrypt();
  if (type === "cast") void cast();
  if (type === "resume") void deliverUnfinished(values.part);
  if (type === "challenge") void challenge();
  if (type === "delivered" || type === "voted") forget();
}

/** The code has done what it was for. */
function forget() {
  credential = "";
  publicCredential = "";
  fingerprint = null;
}

/** @param {State} before @param {string} type */
function render(before, type) {
  if (type === "progress") {
    const bar = document.getElementById("progress");
    if (bar instanceof HTMLProgressElement) bar.value = state.progress;
    return;
  }
  if (type === "touch" && before.fault === state.fault) {
    // The field that has the focus stays where it is.
    const choice = state.choices[state.question];
    for (const input of place.querySelectorAll("input")) {
      const touched = input.id.replace("choice-", "");
      if (touched === "blank") input.checked = choice === "blank";
      else if (touched === "nothing") input.checked = Array.isArray(choice) && choice.length === 0;
      else input.checked = Array.isArray(choice) && choice.includes(Number(touched));
    }
    return;
  }
  const focused = document.activeElement?.id;
  const isNew = state.view !== before.view || state.question !== before.question;
  // Who has just come is reading from the top already.
  show(place, draw({ state, facts, act, tools }), isNew && !isFirst);
  isFirst = false;
  if (!isNew && focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (type === "lose") announce(_("There is no connection to the server at the moment."));
}

/** @param {string} text for who does not see the page */
function announce(text) {
  announcer.textContent = text;
}

const tools = {
  /** @param {string} typed */
  enter(typed) {
    void enterTyped(typed);
  },
  save() {
    const { receipt } = state;
    if (!receipt) return;
    const url = URL.createObjectURL(new Blob([receipt.text], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `receipt-${uuid}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  },
  /** @param {string} text @param {HTMLElement} told */
  copy(text, told) {
    navigator.clipboard.writeText(text).then(
      () => (told.textContent = _("Copied.")),
      () => (told.textContent = _("This browser does not let pages copy. Select the text, and copy it by hand.")),
    );
  },
  remove() {
    writeKept(uuid, { kept: null });
    act("removed");
  },
};

/** @param {string} typed */
async function enterTyped(typed) {
  const given = readFragment(readTyped(typed));
  // Only who types needs this: it brings a good part of the Worker's modules.
  const typing = await import("../booth/credentials.js").catch(() => null);
  // Without network nobody looks here: what follows says that there is none, and the Worker looks as well.
  const codeFault = given ? (typing?.findTypingFault(given.credential) ?? null) : { wrong: "link" };
  if (codeFault || !given) {
    act("mistype", { codeFault });
    document.getElementById("code")?.focus();
    return;
  }
  credential = given.credential;
  fingerprint = given.fingerprint ?? fingerprint;
  act("typed");
}

// --- opening -------------------------------------------------------------------------------------------------------

/** Fetches, checks, and finds out where this voter stands. */
async function open() {
  const mine = ++errand;
  try {
    const found = await findOut();
    if (mine === errand) act(found.type, found);
  } catch (error) {
    if (mine === errand) act("stop", explain(error));
  }
}

/** @param {unknown} error @returns {{ reason: string, detail: string }} */
function explain(error) {
  if (error instanceof Unreachable) return { reason: "unreachable", detail: "" };
  if (error instanceof Refused && error.code === "not-set-up") return { reason: "not-set-up", detail: "" };
  if (error instanceof Refused) return { reason: "unreachable", detail: error.code };
  if (error instanceof CallError && error.family === "WorkerFailed") return { reason: "too-old", detail: "" };
  return { reason: "bad-data", detail: error instanceof CallError ? error.message : "" };
}

/** @returns {Promise<{ type: string, [name: string]: any }>} the event */
async function findOut() {
  // Its modules come while the data do.
  worker?.close();
  worker = new Client();
  const [status, raw, trustees] = await Promise.all([
    askJson(`${api}/status`),
    ask(`${api}/election`),
    ask(`${api}/trustees`),
  ]);
  facts.status = status;
  if (status.group !== GROUP) return { type: "stop", reason: "unsupported" };
  const election = await compute("prepare", { election: raw.buffer });
  facts.election = election;
  if (fingerprint !== null && election.fingerprint !== fingerprint) return { type: "stop", reason: "other-data" };
  if (election.uuid !== uuid || status.uuid !== uuid) return { type: "stop", reason: "bad-data", detail: "uuid" };
  const { record } = election;
  if (record === null) return { type: "stop", reason: "unbound" };
  // The election data decide. A server that says something else somewhere says so to be believed by somebody.
  if (status.service_key !== record.serviceKey) return { type: "stop", reason: "bad-data", detail: "service_key" };
  if (status.revoting !== record.revotes) return { type: "stop", reason: "bad-data", detail: "revoting" };
  await compute("checkTrustees", { trustees: trustees.buffer });
  facts.isNamed = fingerprint !== null;
  if (credential) {
    try {
      publicCredential = (await compute("publicCredential", { credential })).credential;
    } catch (error) {
      if (!(error instanceof CallError) || error.rule !== "B4") throw error;
      credential = "";
      return { type: "ask", codeFault: { wrong: "link" } };
    }
  }
  return (await findUnfinished(status)) ?? (await findStanding(status, makeRules(election)));
}

/** @param {any} election @returns {import("./vote-state.js").Rules[]} */
function makeRules({ questions, texts }) {
  return questions.map((/** @type {any} */ rules, /** @type {number} */ number) => ({
    ...rules,
    answers: texts[0].questions[number].answers.length,
  }));
}

/**
 * A ballot that was being sent when the page went away: the voter had said "cast", and it is cast now.
 *
 * @param {any} status
 * @returns {Promise<{ type: string, [name: string]: any } | null>} null if there is none
 */
async function findUnfinished(status) {
  const { sending } = readKept(uuid);
  if (!sending) return null;
  const found = await lookUp(sending.credential).catch((error) => {
    if (error instanceof Refused) return null;
    throw error;
  });
  if (found === null) {
    // Not what this page has written.
    writeKept(uuid, { sending: null });
    return null;
  }
  const { tracker } = found;
  if (tracker !== sending.tracker) {
    if (mayRevote(facts) && tracker !== null && !sending.after?.includes(tracker)) {
      // The voter has cast a later one from elsewhere, which this earlier one would replace.
      writeKept(uuid, { sending: null });
      return null;
    }
    if (status.state === "paused") {
      const isOwn = !publicCredential || sending.credential === publicCredential;
      return isOwn ? { type: "stop", reason: "paused", wasCasting: true } : null;
    }
  }
  // Of another voter of this device? Then it is finished first, and this voter's turn comes after it.
  return { type: "resume", part: sending, ballot: { text: sending.text, tracker: sending.tracker, code: null } };
}

/**
 * @param {any} status
 * @param {import("./vote-state.js").Rules[]} rules
 * @returns {Promise<{ type: string, [name: string]: any }>}
 */
async function findStanding(status, rules) {
  const reason = findStop(status.state);
  const { kept } = readKept(uuid);
  const isOwn = kept && !(isAnother && !credential) && (!credential || kept.credential === publicCredential);
  const own = isOwn ? await readReceipt(kept) : null;
  if (isOwn) {
    const { tracker } = await lookUp(kept.credential);
    // What was signed for stays true: a box without the ballot, or another key, is the server's lie.
    if (!own || tracker === null || (tracker !== own.tracker && !mayRevote(facts))) {
      const { text, tracker: missing } = kept;
      return { type: "stop", reason: "contradiction", tracker: missing, receipt: { text, tracker: missing, height: 0, isKept: true } };
    }
  }
  if (own && (!credential || reason)) return { type: "keep", receipt: own };
  if (reason && !credential) return { type: "stop", reason };
  if (!credential) return { type: "ask" };
  const { listed, tracker } = await lookUp(publicCredential);
  if (reason) return { type: "stop", reason, tracker, hasVoted: listed ? tracker !== null : null };
  if (!listed) {
    credential = "";
    return { type: "stop", reason: "unlisted" };
  }
  if (tracker === null || mayRevote(facts)) return { type: "welcome", rules, tracker, receipt: own };
  return own?.tracker === tracker ? { type: "keep", receipt: own } : { type: "voted", tracker };
}

/**
 * The signature of a receipt holds under the key that the election data name, and it is for this ballot.
 * @param {string} receipt
 * @param {string} tracker
 * @returns {Promise<{ height: number }>} CallError otherwise
 */
function verifyReceipt(receipt, tracker) {
  const serviceKey = facts.election?.record?.serviceKey;
  return compute("verifyReceipt", { receipt, serviceKey, election: uuid, tracker });
}

/**
 * A receipt that this device keeps; null for one that is not valid.
 * @param {Part} kept
 */
async function readReceipt({ text, tracker }) {
  try {
    const { height } = await verifyReceipt(text, tracker);
    return { text, tracker, height, isKept: true };
  } catch {
    return null;
  }
}

// --- encrypting ----------------------------------------------------------------------------------------------------

async function encrypt() {
  const mine = ++errand;
  const choices = completeChoices(state.choices);
  try {
    const made = await compute("encrypt", { credential, choices }, (done, total) => {
      if (mine === errand) act("progress", { progress: done / total });
    });
    if (mine === errand) act("encrypted", { ballot: { text: made.ballot, tracker: made.tracker, code: made.code } });
  } catch (error) {
    if (mine === errand) act("stop", explain(error));
  }
}

// --- casting -------------------------------------------------------------------------------------------------------

/**
 * One ballot at a time in all tabs of this browser: they share the place in which it is kept.
 * @param {() => Promise<void>} task
 */
async function alone(task) {
  const name = keyOf(uuid);
  const isHeld = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock) await task();
    return lock !== null;
  });
  if (isHeld) return;
  act("queue");
  await navigator.locks.request(name, task);
}

async function cast() {
  const { ballot, tracker: last } = state;
  if (!ballot) return;
  /** @type {Part} */
  const mine = { credential: publicCredential, tracker: ballot.tracker, text: ballot.text };
  await alone(async () => {
    const { sending } = readKept(uuid);
    if (sending && sending.tracker !== mine.tracker) {
      // A tab was closed in the middle. What its voter has said comes first; then this one sees where it stands.
      await deliver(sending, true);
    }
    const { kept } = readKept(uuid);
    if (kept && kept.credential === mine.credential && !mayRevote(facts)) {
      await finish(kept);
      return;
    }
    const own = kept?.credential === mine.credential ? kept.tracker : null;
    mine.after = [last, own].flatMap((tracker) => tracker ?? []);
    act("send", { isKept: writeKept(uuid, { sending: mine }) });
    const event = await deliver(mine, false);
    act(event.type, event);
  });
}

/** @param {Part} part */
async function deliverUnfinished(part) {
  const isOwn = !publicCredential || part.credential === publicCredential;
  await alone(async () => {
    const { sending, kept } = readKept(uuid);
    if (sending?.tracker !== part.tracker) {
      // Another tab has done it meanwhile.
      if (kept?.tracker === part.tracker && isOwn) await finish(kept);
      else void open();
      return;
    }
    act("send", { isKept: true });
    const event = await deliver(part, true);
    if (isOwn) act(event.type, event);
    else if (state.view === "casting") {
      state = START;
      void open();
    }
  });
}

/**
 * Sends a ballot until its fate is known; keeps the receipt, and forgets what cannot be cast.
 *
 * @param {Part} part
 * @param {boolean} isDoubtful whether an earlier request may be at work on the server: one that was sent before a reload
 * @returns {Promise<{ type: string, [name: string]: any }>} the event that tells it
 */
async function deliver(part, isDoubtful) {
  for (;;) {
    const isLate = isDoubtful && mayRevote(facts) ? await isOvertaken(part) : false;
    if (isLate) {
      writeKept(uuid, { sending: null });
      return { type: "overtaken" };
    }
    const answer = isLate === null ? { status: 0, body: null, wanted: null } : await post("ballots", part.text);
    const meaning = readAnswer(answer.status, answer.body);
    if (meaning === "done") return await takeReceipt(part, answer.body.receipt);
    if (meaning !== "lost") {
      const event = await readRefusal(part, meaning, isDoubtful);
      if (event) return event;
    }
    isDoubtful = true;
    act("lose", { wanted: answer.wanted });
    await rest(state.delivery?.pause ?? 1);
    act("tryAgain");
  }
}

/**
 * Whether the voter has cast a later ballot from elsewhere, which this one would replace; null if nobody can tell now.
 * @param {Part} part
 */
async function isOvertaken({ credential: of, tracker: own, after = [] }) {
  try {
    const { tracker } = await lookUp(of);
    return tracker !== null && tracker !== own && !after.includes(tracker);
  } catch (error) {
    // What is wrong with a ballot is for the answer to the ballot to say.
    return error instanceof Unreachable ? null : false;
  }
}

/**
 * @param {Part} part
 * @param {any} signed
 */
async function takeReceipt({ credential: of, tracker }, signed) {
  const text = JSON.stringify(signed);
  try {
    const { height } = await verifyReceipt(text, tracker);
    const isKept = writeKept(uuid, { sending: null, kept: { credential: of, tracker, text } });
    return { type: "delivered", receipt: { text, tracker, height, isKept } };
  } catch (error) {
    return { type: "stop", reason: "bad-receipt", tracker, detail: error instanceof Error ? error.message : "" };
  }
}

/**
 * What a refusal means, null if nobody knows yet: nothing may be called lost that an earlier request still casts.
 *
 * @param {Part} part
 * @param {string} code
 * @param {boolean} isDoubtful
 * @returns {Promise<{ type: string, [name: string]: any } | null>}
 */
async function readRefusal(part, code, isDoubtful) {
  try {
    if (isDoubtful) await sleep(SETTLING_MS);
    if (code === "closed") facts.status = await askJson(`${api}/status`);
    // Until the box has ended, an earlier request that came in time may still be at work.
    if (code === "closed" && isDoubtful && facts.status.box?.state === "voting") return null;
    const { tracker } = await lookUp(part.credential);
    // It is in the box: the next try brings the receipt.
    if (tracker === part.tracker) return null;
    if (code === "not-open") {
      facts.status = await askJson(`${api}/status`);
      const reason = findStop(facts.status.state) ?? "paused";
      // After a pause it is sent again.
      if (reason !== "paused") writeKept(uuid, { sending: null });
      return { type: "stop", reason };
    }
    writeKept(uuid, { sending: null });
    if (code === "already-voted") return { type: "voted", tracker };
    if (code === "challenged") return { type: "spoiled" };
    return { type: "stop", reason: code === "closed" ? "closed" : "refused", detail: code };
  } catch (error) {
    // While an earlier request may be at work, "not in the box" is said by the box or by nobody.
    if (error instanceof Unreachable || isDoubtful) return null;
    writeKept(uuid, { sending: null });
    return { type: "stop", reason: "refused", detail: code };
  }
}

/** A ballot of this voter was cast by another tab, and its receipt is here. @param {Part} kept */
async function finish(kept) {
  const receipt = await readReceipt(kept);
  if (receipt) act(state.view === "casting" ? "delivered" : "keep", { receipt });
}

// --- checking instead of casting -------------------------------------------------------------------------------------

async function challenge() {
  const mine = ++errand;
  const text = state.ballot?.text ?? "";
  while (mine === errand && state.view === "challenging") {
    const answer = await post("challenges", text);
    if (mine !== errand) return;
    const meaning = readAnswer(answer.status, answer.body);
    // Only now is the ballot worth nothing, and its seed no secret any more.
    if (meaning === "done" && answer.body.tracker === state.ballot?.tracker) act("challenged");
    else if (meaning === "lost" || meaning === "done") {
      act("lose", { wanted: answer.wanted });
      await rest(state.delivery?.pause ?? 1);
      act("tryAgain");
    } else await refuseChallenge(meaning);
  }
}

/** @param {string} code */
async function refuseChallenge(code) {
  if (code === "already-voted") {
    const { tracker } = await lookUp(publicCredential).catch(() => ({ tracker: null }));
    act("voted", { tracker });
    return;
  }
  facts.status = await askJson(`${api}/status`).catch(() => facts.status);
  const reasons = { closed: "closed", "not-open": findStop(facts.status.state) ?? "paused", "too-many-challenges": code };
  act("stop", { reason: /** @type {Record<string, string>} */ (reasons)[code] ?? "refused", detail: code });
}

// --- the window ----------------------------------------------------------------------------------------------------

/** @param {string} fragment of a link: the code, and perhaps the fingerprint */
function take(fragment) {
  forget();
  let given = null;
  try {
    given = readFragment(decodeURIComponent(fragment));
  } catch {
    // Escapes that stand for no text.
  }
  if (given) ({ credential, fingerprint } = given);
  // A damaged link: its code is asked for, and what it names is not believed.
  else credential = fragment ? "?" : "";
}

function listen() {
  keepPageInOtherLanguages(
    () => _("Vote"),
    (language) => {
      facts.language = language;
      if (!isFirst) show(place, draw({ state, facts, act, tools }), false);
    },
  );

  // The second click of a double click was meant for the view before.
  place.addEventListener("click", (event) => {
    if (event.detail > 1 && /** @type {Element} */ (event.target).closest("button")) event.stopPropagation();
  }, { capture: true });

  // Another tab has cast a ballot of this voter.
  addEventListener("storage", ({ key, newValue }) => {
    const { kept } = key === keyOf(uuid) ? parseKept(newValue) : { kept: null };
    if (!kept || !publicCredential || kept.credential !== publicCredential || state.view === "casting") return;
    if (mayRevote(facts)) act("other", { tracker: kept.tracker });
    else void finish(kept);
  });

  // The way back of browser and phone leads through the steps, not out of the booth.
  addEventListener("popstate", ({ state: entry }) => {
    if (location.hash || entry?.step === 1) return;
    if (!["question", "review", "encrypting", "ballot", "casting", "challenging", "challenged"].includes(state.view)) return;
    act("goBack");
    if (state.view !== "intro") history.pushState({ step: 1 }, "");
  });

  // Another link was opened in this tab: only the fragment changes, and the page stays.
  addEventListener("hashchange", () => {
    const fragment = location.hash.slice(1);
    if (!fragment || fragment === "main") return;
    history.replaceState(null, "", location.pathname + location.search);
    if (state.view === "casting") return;
    take(fragment);
    state = START;
    void open();
  });

  addEventListener("beforeunload", (event) => {
    if (state.view === "casting" && !state.delivery?.isKept) event.preventDefault();
  });
}

announcer.className = "visually-hidden";
announcer.setAttribute("role", "status");
place.after(announcer);
const takeFragment = /** @type {any} */ (globalThis).takeFragment;
// Without it support.js has said why nothing can be done here.
if (takeFragment) {
  take(takeFragment());
  listen();
  void loadTexts().then(open);
}
