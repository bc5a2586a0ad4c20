// @ts-check
/**
 * What may follow what in the booth: pure, no page, no network, no clock.
 *
 * A state is a view and what it shows. `next(state, event)` is the state after an event; an event that has no place in
 * the present view changes nothing. That is what makes a double click, a late answer and a forgotten timer harmless.
 *
 *     opening ─► code ─► opening          (the code is typed)
 *        │
 *        ├─► intro ─► question … ─► review ─► encrypting ─► ballot ─► casting ─► receipt
 *        │               ▲            ▲                       └─► challenging ─► challenged ─┐
 *        │               └────────────┴─────────────── (afresh, or other choices) ◄──────────┘
 *        ├─► casting        a ballot that was being sent when the page went away
 *        ├─► receipt        kept on this device
 *        └─► voted, stopped
 *
 * Code and fingerprint are no part of the state: vote.js alone holds them.
 */

/**
 * Of a question: numbers of the chosen answers from 0 on, "blank", or null while nothing was chosen.
 * @typedef {number[] | "blank" | null} Choice
 */
/**
 * `first`: the answer that is shown first, where chance has decided it; what was chosen is told by the ballot's order.
 * @typedef {{ minimum: number, maximum: number, blank: boolean, answers: number, first?: number }} Rules
 */
/** An encrypted ballot; `code` opens it and exists until the ballot is on its way. */
/** @typedef {{ text: string, tracker: string, code: string | null }} Ballot */
/** `pause`: seconds until the next try, null while one is under way. `isAnswered`: whether the last one was answered. */
/** @typedef {{ tries: number, pause: number | null, isAnswered: boolean, isKept: boolean, isQueued: boolean }} Delivery */
/** @typedef {{ fault: "none" | "few" | "many", chosen: number } | null} ChoiceFault */
/** @typedef {{ wrong: "length", length: number } | { wrong: "characters", characters: string[] } | { wrong: "link" }} CodeFault */
/**
 * @typedef {object} State
 * @property {string} view
 * @property {Rules[]} rules of the questions
 * @property {Choice[]} choices
 * @property {number} question that is shown, from 0 on
 * @property {boolean} isChanging whether the reader came from the review
 * @property {ChoiceFault} fault
 * @property {CodeFault | null} codeFault
 * @property {number} progress 0 to 1
 * @property {Ballot | null} ballot
 * @property {Delivery | null} delivery
 * @property {{ text: string, tracker: string, height: number, isKept: boolean } | null} receipt
 * @property {boolean} isFound whether the receipt was on this device, and nobody has shown that it is theirs
 * @property {string | null} tracker of another ballot of the same voter
 * @property {string | null} unsent tracker of a ballot that this device was sending, and that does not count
 * @property {string[]} shelf trackers of the receipts that this device keeps, where nobody knows who reads
 * @property {Stop | null} stop
 */
/**
 * Why nothing goes on. fate: of the ballot that was being sent, null if there was none; "not-cast" is said only where
 * it is certain. hasVoted: whether another ballot of this voter is in the box, null where that was not asked.
 * @typedef {{ reason: string, fate: "not-cast" | "unknown" | null, detail: string, hasVoted: boolean | null }} Stop
 */
/** @typedef {{ type: string, [name: string]: any }} Event */

/** @type {State} */
export const START = Object.freeze({
  view: "opening",
  rules: [],
  choices: [],
  question: 0,
  isChanging: false,
  fault: null,
  codeFault: null,
  progress: 0,
  ballot: null,
  delivery: null,
  receipt: null,
  isFound: false,
  tracker: null,
  unsent: null,
  shelf: [],
  stop: null,
});

/** Longest pause between two tries, in seconds. */
const LONGEST_PAUSE = 30;

/** @type {Delivery} */
const FIRST_TRY = { tries: 0, pause: null, isAnswered: false, isKept: false, isQueued: false };

// --- choices -----------------------------------------------------------------------------------------------------

/**
 * Whether one answer at most can be chosen, so that choosing another one replaces it.
 * @param {Rules} rules
 */
export function isSingle({ maximum }) {
  return maximum === 1;
}

/**
 * The numbers of the answers in the order in which they are shown.
 * @param {Pick<Rules, "answers" | "first">} rules
 */
export function orderAnswers({ answers, first = 0 }) {
  return Array.from({ length: answers }, (_item, place) => (place + first) % answers);
}

/**
 * The choice after the reader touched something: the number of an answer, "blank", or "nothing".
 *
 * @param {Rules} rules
 * @param {Choice} choice
 * @param {number | "blank" | "nothing"} touched
 * @returns {Choice}
 */
export function touch(rules, choice, touched) {
  if (touched === "nothing") return [];
  if (touched === "blank") return rules.blank && choice !== "blank" ? "blank" : null;
  if (isSingle(rules)) return [touched];
  const chosen = Array.isArray(choice) ? choice : [];
  const left = chosen.filter((place) => place !== touched);
  return left.length < chosen.length ? left : [...left, touched].sort((a, b) => a - b);
}

/**
 * What is wrong with a choice, null if nothing is.
 *
 * @param {Rules} rules
 * @param {Choice} choice
 * @returns {ChoiceFault}
 */
export function findChoiceFault(rules, choice) {
  if (choice === "blank") return rules.blank ? null : { fault: "none", chosen: 0 };
  const chosen = choice?.length ?? 0;
  // One who may choose nothing has to say so where a radio button can say it.
  if (choice === null && (rules.minimum > 0 || isSingle(rules))) return { fault: "none", chosen };
  if (chosen < rules.minimum) return { fault: chosen ? "few" : "none", chosen };
  return chosen > rules.maximum ? { fault: "many", chosen } : null;
}

/**
 * The choices as the ballot has them.
 * @param {Choice[]} choices
 * @returns {(number[] | "blank")[]}
 */
export function completeChoices(choices) {
  return choices.map((choice) => choice ?? []);
}

// --- the network -------------------------------------------------------------------------------------------------

/**
 * Seconds until the next try: more after each, or what the server asks for.
 * @param {number} tries made so far
 * @param {number | null} [wanted]
 */
export function pauseAfter(tries, wanted = null) {
  const growing = Math.min(2 ** Math.max(0, tries - 1), LONGEST_PAUSE);
  return wanted === null ? growing : Math.min(Math.max(wanted, growing), 10 * LONGEST_PAUSE);
}

/**
 * What an answer to a ballot or to a challenge means. "lost": nobody knows yet; the very same bytes are sent again.
 *
 * @param {number} status 0 where no answer came
 * @param {any} body parsed JSON, or null
 * @returns {"done" | "lost" | string} otherwise the code of the refusal
 */
export function readAnswer(status, body) {
  if ((status === 200 || status === 201) && body !== null) return "done";
  // Only a refusal that says its reason is one: anything else may come from a proxy or a café's network.
  const isRefusal = status >= 400 && status < 500 && typeof body?.code === "string";
  if (!isRefusal || status === 408 || status === 425 || status === 429) return "lost";
  return body.code;
}

/**
 * What the state of the election means for whoever wants to vote: null if the vote can be cast.
 * @param {string} state
 */
export function findStop(state) {
  if (state === "open") return null;
  if (state === "draft" || state === "roll-frozen" || state === "keys-ready") return "not-open";
  if (state === "paused" || state === "cancelled" || state === "untalliable") return state;
  return "closed";
}

// --- what was given ------------------------------------------------------------------------------------------------

const FINGERPRINT = /^[A-Za-z0-9+/]{43}$/;

/**
 * A link's fragment or what was typed: `CREDENTIAL` or `CREDENTIAL.FINGERPRINT`; null where a fingerprint is no such.
 *
 * @param {string} text
 * @returns {{ credential: string, fingerprint: string | null } | null}
 */
export function readFragment(text) {
  const point = text.indexOf(".");
  if (point < 0) return { credential: text, fingerprint: null };
  const fingerprint = text.slice(point + 1);
  return FINGERPRINT.test(fingerprint) ? { credential: text.slice(0, point), fingerprint } : null;
}

/**
 * What of a whole link, a fragment or a typed code is the code.
 * @param {string} text
 */
export function readTyped(text) {
  const trimmed = text.trim();
  return trimmed.includes("#") ? trimmed.slice(trimmed.indexOf("#") + 1) : trimmed;
}

// --- the table -----------------------------------------------------------------------------------------------------

/** @type {(state: State, event: Event) => State} */
const toStop = (state, { reason, detail = "", fate = null, hasVoted = null, receipt = null, ...event }) => ({
  ...state,
  view: "stopped",
  choices: [],
  ballot: null,
  delivery: null,
  receipt,
  tracker: event.tracker ?? (state.unsent && state.tracker),
  unsent: event.unsent ?? state.unsent,
  shelf: event.shelf ?? [],
  stop: { reason, fate, detail, hasVoted },
});
/** @type {(state: State, event: Event) => State} */
const toVoted = (state, { tracker, unsent = state.unsent }) => ({
  ...state,
  view: "voted",
  choices: [],
  ballot: null,
  delivery: null,
  tracker,
  unsent,
});
/** @type {(state: State, event: Event) => State} */
const toReceipt = (state, { receipt, type, isFound = false }) => ({
  ...state,
  view: "receipt",
  isFound,
  // Said before this one was cast, if at all.
  unsent: type === "delivered" ? null : state.unsent,
  // How this ballot was filled in is nobody's business any more, not even this page's.
  choices: [],
  ballot: null,
  delivery: null,
  receipt,
});
/** @type {(state: State, event: Event) => State} */
const toIntro = ({ unsent }, { rules, tracker = null, receipt = null }) => ({
  ...START,
  view: "intro",
  unsent,
  rules,
  choices: rules.map(() => null),
  // Of an earlier ballot of this voter, where one may vote again.
  receipt,
  tracker,
});
/** @type {(state: State) => State} */
const toReview = (state) => ({ ...state, view: "review", ballot: null, fault: null, isChanging: false });
/** @type {(state: State, event: Event) => State} */
const toQuestion = (state, { question = 0, isChanging = false }) => ({
  ...state,
  view: "question",
  ballot: null,
  question,
  fault: null,
  isChanging,
});
/** @type {(state: State) => State} */
const toEncrypting = (state) => ({ ...state, view: "encrypting", progress: 0, ballot: null });
/** @type {(state: State) => State} */
const toOpening = () => START;
/** @type {(state: State) => State} */
const withoutShelf = (state) => ({ ...state, shelf: [] });
/** A ballot of this voter was cast from somewhere else. @type {(state: State, event: Event) => State} */
const noteOther = (state, { tracker }) => ({ ...state, tracker });
/** @type {(state: State, event: Event) => State} */
const lose = (state, { wanted = null, isAnswered = false }) => {
  const delivery = state.delivery ?? FIRST_TRY;
  const tries = delivery.tries + 1;
  return { ...state, delivery: { ...delivery, tries, pause: pauseAfter(tries, wanted), isAnswered, isQueued: false } };
};
/** @type {(state: State) => State} */
const tryAgain = (state) => ({ ...state, delivery: { ...(state.delivery ?? FIRST_TRY), pause: null } });

/** The voter has cast a ballot from another tab (its receipt is on this device) or from another device. */
const ELSEWHERE = { keep: toReceipt, voted: toVoted, other: noteOther };

/** @type {Record<string, Record<string, (state: State, event: Event) => State>>} */
const TABLE = {
  opening: {
    ask: (state, { codeFault = null, shelf = [] }) => ({ ...state, view: "code", codeFault, shelf }),
    welcome: toIntro,
    resume: (state, { ballot }) => ({ ...state, view: "casting", ballot, delivery: { ...FIRST_TRY, isKept: true } }),
    keep: toReceipt,
    voted: toVoted,
    stop: toStop,
  },
  code: {
    mistype: (state, { codeFault }) => ({ ...state, codeFault }),
    typed: toOpening,
    reopen: toOpening,
    removed: withoutShelf,
    stop: toStop,
  },
  intro: {
    begin: toQuestion,
    ...ELSEWHERE,
  },
  question: {
    touch: (state, { touched }) => {
      const choices = [...state.choices];
      choices[state.question] = touch(state.rules[state.question], choices[state.question], touched);
      // What is wrong is said when the reader goes on, and unsaid as soon as it is right.
      const fault = state.fault && findChoiceFault(state.rules[state.question], choices[state.question]);
      return { ...state, choices, fault };
    },
    goOn: (state) => {
      const fault = findChoiceFault(state.rules[state.question], state.choices[state.question]);
      if (fault) return { ...state, fault };
      const isLast = state.question + 1 === state.rules.length;
      return isLast || state.isChanging ? toReview(state) : toQuestion(state, { type: "", question: state.question + 1 });
    },
    goBack: (state) => {
      if (state.isChanging && !findChoiceFault(state.rules[state.question], state.choices[state.question])) return toReview(state);
      if (state.question > 0) return toQuestion(state, { type: "", question: state.question - 1 });
      return { ...state, view: "intro", fault: null };
    },
    ...ELSEWHERE,
  },
  review: {
    change: (state, { question }) => toQuestion(state, { type: "", question, isChanging: true }),
    goBack: (state) => toQuestion(state, { type: "", question: state.rules.length - 1 }),
    encrypt: toEncrypting,
    ...ELSEWHERE,
  },
  encrypting: {
    progress: (state, { progress }) => ({ ...state, progress }),
    encrypted: (state, { ballot }) => ({ ...state, view: "ballot", ballot }),
    stop: toStop,
    ...ELSEWHERE,
  },
  ballot: {
    goBack: toReview,
    cast: (state) => ({
      ...state,
      view: "casting",
      // From here on nobody can open it any more.
      ballot: state.ballot && { ...state.ballot, code: null },
      delivery: { ...FIRST_TRY, isKept: true },
    }),
    challenge: (state) => ({ ...state, view: "challenging", delivery: FIRST_TRY }),
    ...ELSEWHERE,
  },
  casting: {
    queue: (state) => ({ ...state, delivery: { ...(state.delivery ?? FIRST_TRY), isQueued: true } }),
    // The very moment before the ballot leaves.
    send: (state, { isKept }) => ({ ...state, delivery: { ...(state.delivery ?? FIRST_TRY), isKept, isQueued: false } }),
    lose,
    tryAgain,
    delivered: toReceipt,
    voted: toVoted,
    // A ballot that was given up to be checked elsewhere can't be cast; the choices are still there.
    spoiled: (state) => (state.choices.length ? { ...toReview(state), delivery: null } : toStop(state, { type: "", reason: "spoiled", fate: "not-cast" })),
    // A later ballot of this voter is in the box: it is not to be replaced by this one. Or another tab has finished it.
    overtaken: (_state, { tracker = null, unsent = null }) => ({ ...START, tracker, unsent }),
    stop: toStop,
  },
  challenging: {
    lose,
    tryAgain,
    challenged: (state) => ({ ...state, view: "challenged", delivery: null }),
    goBack: (state) => ({ ...toReview(state), delivery: null }),
    stop: toStop,
    voted: toVoted,
  },
  challenged: {
    again: toEncrypting,
    goBack: toReview,
    ...ELSEWHERE,
  },
  receipt: {
    removed: (state) => ({ ...state, receipt: state.receipt && { ...state.receipt, isKept: false } }),
    reopen: toOpening,
  },
  voted: {},
  stopped: { reopen: toOpening, removed: withoutShelf },
};

export const VIEWS = Object.keys(TABLE);

/**
 * The state after an event; the same state if the event has no place in its view.
 *
 * @param {State} state
 * @param {Event} event
 * @returns {State}
 */
export function next(state, event) {
  const rows = TABLE[state.view];
  return Object.hasOwn(rows, event.type) ? rows[event.type](state, event) : state;
}

/**
 * The state after something could not be shown, whatever the view: the page must say so rather than stay as it was.
 *
 * @param {State} state
 * @param {string} detail
 * @returns {State}
 */
export function giveUp(state, detail) {
  return toStop(state, { type: "", reason: "unreadable", detail, fate: state.view === "casting" ? "unknown" : null });
}
