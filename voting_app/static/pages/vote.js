// @ts-check
/**
 * The booth: holds the voter's code, has the Worker compute, and shows what vote-state.js says. What it does when it is
 * opened is in vote-opening.js, how a ballot comes into the box in vote-delivery.js.
 *
 * What is secret is in the variables of this module and in the Worker's memory, and nowhere else: the code until the
 * receipt is there, the choices until the ballot is on its way, the seed until it is cast or was shown on purpose.
 */
import { CallError, Client } from "../booth/client.js";
import { show } from "./dom.js";
import { comeBackEmpty, keepPageInOtherLanguages } from "./frame.js";
import { _, loadTexts } from "./texts.js";
import { deliver, findForgery, findStandingOf } from "./vote-delivery.js";
import { explain, findOut, readReceipt } from "./vote-opening.js";
import { fetchPhotos, fillPhotos } from "./vote-photos.js";
import { Server } from "./vote-server.js";
import { START, completeChoices, findStop, giveUp, next, pauseAfter, readAnswer, readFragment, readTyped } from "./vote-state.js";
import { Store, parseKept } from "./vote-store.js";
import { draw, mayRevote, nameLoss } from "./vote-views.js";
import { rest, sleep, wake } from "./vote-waiting.js";

/** @typedef {import("./vote-state.js").State} State */
/** @typedef {import("./vote-state.js").Event} Event */
/** @typedef {import("./vote-store.js").Part} Part */

const uuid = location.pathname.split("/")[2];
const server = new Server(uuid);
const store = new Store(uuid);
const place = /** @type {HTMLElement} */ (document.getElementById("view"));
const announcer = document.createElement("p");

/** @type {State} */
let state = START;
/** @type {import("./vote-views.js").Facts} */
const facts = {
  uuid,
  language: document.documentElement.lang,
  election: null,
  status: null,
  isNamed: false,
  needed: 0,
  codesBy: place.dataset.codes ?? "",
};
/** @type {import("./vote-opening.js").Visitor} */
const visitor = { code: "", fingerprint: null, voter: "", isAnother: false, picked: null };
/** @type {Client | null} */
let worker = null;
/** Counts what was begun, so that what was given up goes nowhere. */
let errand = 0;
/** Trackers of ballots of which nothing but this page knows. @type {Set<string>} */
const unkept = new Set();
/** Trackers of other voters' ballots that this page is casting. @type {Set<string>} */
const others = new Set();
let isFirst = true;

/**
 * Everything that is computed with secrets or with the election's data happens in the Worker.
 * @param {string} op
 * @param {object} args
 * @param {(done: number, total: number) => void} [onProgress]
 */
async function compute(op, args, onProgress) {
  const mine = (worker ??= new Client());
  try {
    return await mine.call(op, args, onProgress);
  } catch (error) {
    // One that has ended answers nothing any more.
    if (error instanceof CallError && error.family === "WorkerFailed" && worker === mine) worker = null;
    throw error;
  }
}

const booth = { uuid, server, store, facts, visitor, compute, deliverOthers };
/**
 * What a delivery works with: the key and the finality of the election as its voter was shown it. The next voter's link
 * may name another one.
 * @param {() => boolean} isMine whether the page still shows what was begun
 * @returns {import("./vote-delivery.js").Means}
 */
function getMeans(isMine) {
  const { election } = facts;
  const serviceKey = election?.record?.serviceKey;
  return {
    server,
    store,
    verifyReceipt: (receipt, tracker) => compute("verifyReceipt", { receipt, tracker, election: uuid, serviceKey }),
    mayRevote: () => mayRevote({ election }),
    note: (status) => void (isMine() && (facts.status = status)),
    sleep,
  };
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
  if (type === "welcome") void fetchPhotos(`/elections/${uuid}/photos`, facts.election?.candidates);
  if (type === "begin") history.pushState({ step: 1 }, "");
  if (type === "tryAgain") wake();
  if (state.view === before.view) return;
  // What is left behind is given up.
  if (before.view === "challenging") wake();
  if (state.view === "opening") void open();
  if (state.view === "encrypting") void encrypt();
  if (type === "cast") void cast();
  if (type === "resume") void deliverUnfinished(values.part);
  if (type === "challenge") void challenge();
  if (type === "delivered" || type === "voted") forget();
}

/** The code has done what it was for. */
function forget() {
  Object.assign(visitor, { code: "", voter: "", fingerprint: null });
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
  let view;
  try {
    view = draw({ state, facts, act, tools });
  } catch (error) {
    // What a server sends may be such that nothing can be shown of it. The reader must not wait for ever.
    state = giveUp(state, String(error));
    view = draw({ state, facts, act, tools });
  }
  // Who has just come is reading from the top already.
  show(place, view, isNew && !isFirst);
  fillPhotos(place);
  isFirst = false;
  if (!isNew && focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (type === "lose") announce(nameLoss(state));
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
    store.removeReceipts(state.receipt?.tracker ?? "");
    act("removed");
  },
  removeAll() {
    store.removeReceipts(null);
    act("removed");
  },
  /** @param {string} tracker of a receipt that this device keeps */
  pick(tracker) {
    visitor.picked = tracker;
    act("reopen");
  },
  useAnother() {
    // Who has seen a receipt of this device and goes on is not to see it again, but to give a code; and the fingerprint
    // that another one's link has named is not to vouch for the election. Whose code was not on the list goes on.
    if (state.view === "receipt") forget();
    Object.assign(visitor, { isAnother: true, picked: null });
    act("reopen");
  },
};

/** @param {string} typed */
async function enterTyped(typed) {
  const now = errand;
  const given = readFragment(readTyped(typed));
  // Only who types needs this: it brings a good part of the Worker's modules.
  const typing = await import("../booth/credentials.js").catch(() => null);
  // Without network nobody looks here: what follows says that there is none, and the Worker looks as well.
  if (now !== errand) return;
  const codeFault = given ? (typing?.findTypingFault(given.credential) ?? null) : { wrong: "link" };
  if (codeFault || !given) {
    act("mistype", { codeFault });
    document.getElementById("code")?.focus();
    return;
  }
  visitor.code = given.credential;
  visitor.fingerprint = given.fingerprint ?? visitor.fingerprint;
  act("typed");
}

// --- opening -------------------------------------------------------------------------------------------------------

/**
 * Begins something. What it finds out is told to who began it, and not to who has come since.
 */
function begin() {
  const mine = ++errand;
  const isMine = () => mine === errand;
  /** @param {Event} event */
  const tell = (event) => {
    if (isMine()) act(event.type, event);
  };
  return { isMine, tell };
}

/** Fetches, checks, and finds out where this voter stands. */
async function open() {
  const { tell } = begin();
  // Its modules come while the data do.
  worker?.close();
  worker = new Client();
  try {
    tell(await findOut(booth));
  } catch (error) {
    tell(explain(error, booth));
  }
}

// --- encrypting ----------------------------------------------------------------------------------------------------

async function encrypt() {
  const { tell } = begin();
  const choices = completeChoices(state.choices);
  try {
    const made = await compute("encrypt", { credential: visitor.code, choices }, (done, total) => {
      tell({ type: "progress", progress: done / total });
    });
    tell({ type: "encrypted", ballot: { text: made.ballot, tracker: made.tracker, code: made.code } });
  } catch (error) {
    tell(explain(error, booth));
  }
}

// --- casting -------------------------------------------------------------------------------------------------------

/**
 * One ballot of a voter at a time in all tabs of this browser.
 * @param {string} voter
 * @param {() => Promise<void>} task
 * @param {(event: Event) => void} tell
 */
async function alone(voter, task, tell) {
  const name = store.keyOf(voter);
  const isHeld = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
    if (lock) await task();
    return lock !== null;
  });
  if (isHeld) return;
  tell({ type: "queue" });
  await navigator.locks.request(name, task);
}

/**
 * Waits longer after each try, and shows it to who began it.
 * @param {(event: Event) => void} tell
 */
function makeWaiting(tell) {
  let tries = 0;
  return async (/** @type {number | null} */ wanted, /** @type {boolean} */ isAnswered) => {
    tell({ type: "lose", wanted, isAnswered });
    await rest(pauseAfter(++tries, wanted));
    tell({ type: "tryAgain" });
  };
}

async function cast() {
  const { ballot, tracker: last } = state;
  const { voter } = visitor;
  if (!ballot) return;
  const { isMine, tell } = begin();
  const means = getMeans(isMine);
  const waitForNextTry = makeWaiting(tell);
  /** @type {Part} */
  const mine = { credential: voter, tracker: ballot.tracker, text: ballot.text };
  await alone(voter, async () => {
    const { sending } = store.read(voter);
    // What this ballot is to replace, where one may vote again.
    const after = [last];
    if (sending && sending.tracker !== mine.tracker) {
      // A tab was closed in the middle. What was said there comes first.
      const event = await deliver(means, sending, false, waitForNextTry);
      if (event.type === "stop") {
        tell(event);
        return;
      }
      if (event.type === "overtaken") after.push(event.tracker);
    }
    const { kept } = store.read(voter);
    if (kept && !means.mayRevote()) {
      await finish(kept, isMine);
      return;
    }
    mine.after = [...new Set([...after, kept?.tracker, ...(kept?.after ?? [])])].flatMap((tracker) => tracker ?? []);
    const isKept = store.write(voter, { sending: mine });
    if (!isKept) unkept.add(mine.tracker);
    tell({ type: "send", isKept });
    const event = await deliver(means, mine, true, waitForNextTry);
    unkept.delete(mine.tracker);
    tell(event);
  }, tell);
}

/** @param {Part} part */
async function deliverUnfinished(part) {
  const { isMine, tell } = begin();
  const isFound = !visitor.code;
  await alone(part.credential, async () => {
    const { sending, kept } = store.read(part.credential);
    if (sending?.tracker === part.tracker) {
      tell({ type: "send", isKept: true });
      const event = await deliver(getMeans(isMine), sending, false, makeWaiting(tell));
      tell({ ...event, isFound });
    } else if (kept?.tracker === part.tracker) {
      // Another tab has done it meanwhile.
      await finish(kept, isMine);
    } else tell({ type: "overtaken" });
  }, tell);
}

/**
 * Ballots that other voters of this device were sending are cast while this one reads and chooses.
 * @param {Part[]} parts
 */
function deliverOthers(parts) {
  const means = getMeans(() => false);
  for (const part of parts) {
    if (others.has(part.tracker)) continue;
    others.add(part.tracker);
    void deliverQuietly(part, means).finally(() => others.delete(part.tracker));
  }
}

/** @param {Part} part @param {import("./vote-delivery.js").Means} means */
async function deliverQuietly(part, means) {
  await navigator.locks.request(store.keyOf(part.credential), async () => {
    const { sending } = store.read(part.credential);
    if (sending?.tracker !== part.tracker) return;
    // Without an answer it is tried like the others; only what was not written by this program is left out.
    const isOurs = await findStandingOf(means, sending).catch(() => true);
    if (isOurs) await deliver(means, sending, false, makeWaiting(() => {}));
  });
}

/**
 * A ballot of this voter was cast by another tab, and its receipt is here.
 * @param {Part} kept
 * @param {() => boolean} isMine whether this voter is still here
 */
async function finish(kept, isMine) {
  const receipt = await readReceipt(booth, kept).catch(() => null);
  if (!isMine()) return;
  if (receipt) act(state.view === "casting" ? "delivered" : "keep", { receipt, isFound: !visitor.code });
  // What is wrong with it is found out when the booth is opened anew.
  else act("overtaken");
}

// --- checking instead of casting -------------------------------------------------------------------------------------

async function challenge() {
  const { isMine, tell } = begin();
  const waitForNextTry = makeWaiting(tell);
  const { voter } = visitor;
  const { text = "", tracker: handedOver = "" } = state.ballot ?? {};
  // Before it leaves: an answer may be lost, and the server has the ballot all the same.
  store.noteOpened(voter, handedOver);
  while (isMine() && state.view === "challenging") {
    const answer = await server.post("challenges", text);
    if (!isMine()) return;
    const meaning = readAnswer(answer.status, answer.body);
    // Only now is the ballot worth nothing, and its seed no secret any more.
    if (meaning === "done" && answer.body.tracker === state.ballot?.tracker) act("challenged");
    else if (meaning === "lost" || meaning === "done") await waitForNextTry(answer.wanted, answer.status !== 0);
    else tell(await readChallengeRefusal(meaning, voter, isMine));
  }
}

/**
 * @param {string} code
 * @param {string} voter
 * @param {() => boolean} isMine
 * @returns {Promise<Event>}
 */
async function readChallengeRefusal(code, voter, isMine) {
  if (code === "already-voted" || code === "already-cast") {
    // This page never casts what it hands over: one that is in the box already was cast by somebody else.
    const handedOver = code === "already-cast" ? state.ballot?.tracker : null;
    const tracker = handedOver ?? (await server.lookUp(voter).catch(() => null))?.tracker ?? null;
    return findForgery(store, voter, tracker) ?? { type: "voted", tracker };
  }
  const status = await server.fetchStatus().catch(() => facts.status);
  if (isMine()) facts.status = status;
  const reasons = { closed: "closed", "not-open": findStop(facts.status?.state ?? "") ?? "paused", "too-many-challenges": code };
  return { type: "stop", reason: /** @type {Record<string, string>} */ (reasons)[code] ?? "refused", detail: code };
}

// --- the window ----------------------------------------------------------------------------------------------------

/** @param {string} fragment of a link: the code, and perhaps the fingerprint */
function readLink(fragment) {
  try {
    const given = readFragment(decodeURIComponent(fragment));
    if (given) return { code: given.credential, fingerprint: given.fingerprint };
  } catch {
    // Escapes that stand for no text.
  }
  // A damaged link: its code is asked for, and what it names is not believed.
  return { code: fragment ? "?" : "", fingerprint: null };
}

/** Another link was opened in this tab. @param {string} fragment */
function receive(fragment) {
  const given = readLink(fragment);
  // The same voter's once more: the page tells already what becomes of the ballot.
  if (state.view === "casting" && given.code === visitor.code) return;
  // Another one's ballot that is on its way goes on without being seen.
  welcome(given);
}

/** @param {{ code: string, fingerprint: string | null }} given */
function welcome(given) {
  Object.assign(visitor, given, { voter: "", isAnother: false, picked: null });
  state = START;
  void open();
}

function listen() {
  keepPageInOtherLanguages(
    () => _("Vote"),
    (language) => {
      facts.language = language;
      if (!isFirst) show(place, draw({ state, facts, act, tools }), false);
    },
  );

  // A receipt tells no secret, leads to no code, and may stand nowhere else.
  comeBackEmpty(place, () => unkept.size === 0 && state.view !== "receipt");

  // The second click of a double click was meant for the view before.
  place.addEventListener("click", (event) => {
    if (event.detail > 1 && /** @type {Element} */ (event.target).closest("button")) event.stopPropagation();
  }, { capture: true });

  // Another tab has cast a ballot of this voter.
  addEventListener("storage", ({ key, newValue }) => {
    const { voter } = visitor;
    const { kept } = voter && key === store.keyOf(voter) ? parseKept(newValue) : { kept: null };
    if (kept?.credential !== voter || state.view === "casting") return;
    if (mayRevote(facts)) act("other", { tracker: kept.tracker });
    else void finish(kept, () => visitor.voter === voter);
  });

  // The way back of browser and phone leads through the steps, not out of the booth.
  addEventListener("popstate", ({ state: entry }) => {
    if (location.hash || entry?.step === 1) return;
    if (!["question", "review", "encrypting", "ballot", "casting", "challenging", "challenged"].includes(state.view)) return;
    act("goBack");
    if (state.view !== "intro") history.pushState({ step: 1 }, "");
  });

  addEventListener("beforeunload", (event) => {
    if (unkept.size || (state.view === "casting" && !state.delivery?.isKept)) event.preventDefault();
  });
}

announcer.className = "visually-hidden";
announcer.setAttribute("role", "status");
place.after(announcer);
const takeFragments = /** @type {any} */ (globalThis).takeFragments;
// Without it support.js has said why nothing can be done here.
if (takeFragments) {
  store.moveFromOldPlace();
  listen();
  void loadTexts().then(() => welcome(readLink(takeFragments(receive))));
}
