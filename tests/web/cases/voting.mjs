// The booth's pure parts: what follows what, what a choice may be, what an answer means.
import * as voting from "../../../voting_app/static/pages/vote-state.js";
import { describeMoment, describeOwnMoment } from "../../../voting_app/static/pages/dates.js";
import { deliver } from "../../../voting_app/static/pages/vote-delivery.js";
import { explain, findOut, findReceipt, makeRules } from "../../../voting_app/static/pages/vote-opening.js";
import * as server from "../../../voting_app/static/pages/vote-server.js";
import { chooseTexts, nameLoss } from "../../../voting_app/static/pages/vote-views.js";
import { Store, parseKept } from "../../../voting_app/static/pages/vote-store.js";

/** All states on the way; events are [type, values]. */
export function voteWalk({ events, start = voting.START }) {
  const states = [start];
  for (const [type, values = {}] of events) states.push(voting.next(states.at(-1), { ...values, type }));
  return states;
}

/** Whether an event has a place in a view: the state is another object then. */
export function voteChanges({ state, type, values = {} }) {
  return voting.next(state, { ...values, type }) !== state;
}

export const voteViews = () => voting.VIEWS;
export const voteTouch = ({ rules, choice, touched }) => voting.touch(rules, choice, touched);
export const voteFault = ({ rules, choice }) => voting.findChoiceFault(rules, choice);
export const voteAnswer = ({ status, body }) => voting.readAnswer(status, body);
export const votePause = ({ tries, wanted }) => voting.pauseAfter(tries, wanted);
export const voteStop = ({ state }) => voting.findStop(state);
export const voteFragment = ({ text }) => voting.readFragment(text);
export const voteTyped = ({ text }) => voting.readTyped(text);
export const voteKept = ({ text }) => parseKept(text);
export const voteReceipt = ({ receipts, visitor }) => findReceipt(receipts, visitor)?.tracker;
export const voteLoss = ({ state }) => nameLoss(state);
export const voteGiveUp = ({ state }) => voting.giveUp(state, "it cannot be shown");

export const voteTexts = ({ languages, wanted }) =>
  chooseTexts({ language: wanted, election: { texts: languages.map((language) => ({ language })) } }).language;

/** Which answer each of many voters is shown first, and the order that the first of them sees. */
export function voteOrders({ answers, orders, voters }) {
  const texts = [{ questions: answers.map((number) => ({ answers: Array.from({ length: number }, String) })) }];
  const election = { questions: answers.map(() => ({ minimum: 0, maximum: 1, blank: false })), texts, orders };
  const drawn = Array.from({ length: voters }, () => makeRules(election));
  return { firsts: drawn.map((rules) => rules.map(({ first }) => first)), order: drawn[0].map(voting.orderAnswers) };
}

export const moment = ({ moment, zone }) => describeMoment(moment, zone, "en");
export const ownMoment = ({ moment, zone }) => describeOwnMoment(moment, zone, "en");

export const voteStatus = ({ value }) => server.readStatus(value);
export const voteStanding = ({ value }) => server.readStanding(value);

/** What the page says when it is opened, and the server answers each path with what `answers` has for it. */
export async function voteOpening({ answers, kept = {}, code = "", revotes = false, named = null, wants_kept = false }) {
  const { fetch } = globalThis;
  globalThis.fetch = async (path) => {
    const [status, body] = answers[path.split("/").slice(5).join("/")];
    return new globalThis.Response(body, { status });
  };
  try {
    return await withStorage(kept, async (map) => {
      const store = new Store("U");
      const others = [];
      const visitor = { code, fingerprint: named, voter: "", isAnother: false, picked: null };
      const facts = { uuid: "U", language: "en", election: null, status: null, isNamed: false, needed: 0, codesBy: "" };
      const questions = [{ minimum: 0, maximum: 1, blank: false }];
      const texts = [{ questions: [{ question: "Q", answers: ["A"] }] }];
      const results = {
        prepare: { uuid: "U", fingerprint: "F", record: { serviceKey: "K", revotes }, questions, texts },
        publicCredential: { credential: "A" },
      };
      const compute = async (op) => results[op] ?? {};
      const booth = { uuid: "U", server: new server.Server("U"), store, facts, visitor, compute, deliverOthers: (parts) => others.push(...parts) };
      const said = await findOut(booth).catch((error) => explain(error, booth));
      return { ...said, ...(others.length && { others: others.map(({ tracker }) => tracker) }), ...(wants_kept && { kept: Object.fromEntries(map) }) };
    });
  } finally {
    globalThis.fetch = fetch;
  }
}

/** Runs with a browser's storage in which `items` are; null: it is forbidden. */
async function withStorage(items, run) {
  const map = new Map(Object.entries(items ?? {}));
  const storage = {
    get length() {
      return map.size;
    },
    key: (number) => [...map.keys()][number] ?? null,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
  const get = () => {
    if (items === null) throw new Error("denied");
    return storage;
  };
  Object.defineProperty(globalThis, "localStorage", { get, configurable: true });
  try {
    return await run(map);
  } finally {
    delete globalThis.localStorage;
  }
}

/** Calls of Store one after the other: their results, and what is stored at the end. */
export function voteStore({ items, calls }) {
  return withStorage(items, async (map) => {
    const store = new Store("U");
    const results = calls.map(([name, ...args]) => store[name](...args) ?? null);
    return { results, items: Object.fromEntries(map) };
  });
}

/**
 * A ballot is sent to a server that answers in turn as the lists say; the last answer of a list stays.
 * posts: [status, body]; standings: trackers of the last ballot, or "away"; states: of the election and of the box.
 */
export async function voteDeliver({ part, isNew, revotes, posts, standings, states, receipts = ["good"], opened = [] }) {
  const log = [];
  const take = (list) => (list.length > 1 ? list.shift() : list[0]);
  const means = {
    server: {
      post: async (_where, text) => {
        log.push(["post", text]);
        const [status, body] = take(posts);
        return { status, body, wanted: null };
      },
      lookUp: async () => {
        const tracker = take(standings);
        if (tracker === "away") throw new server.Unreachable();
        return { listed: true, tracker };
      },
      fetchStatus: async () => {
        const [state, box] = take(states);
        if (state === "away") throw new server.Unreadable("status: state");
        return { state, box: { state: box } };
      },
    },
    store: {
      write: (_credential, parts) => {
        log.push(["keep", parts]);
        return true;
      },
      hasOpened: (voter, tracker) => opened.some((one) => one[0] === voter && one[1] === tracker),
    },
    verifyReceipt: async () => {
      const verdict = take(receipts);
      if (verdict === "good") return { height: 7 };
      throw Object.assign(new Error(verdict), { family: verdict });
    },
    mayRevote: () => revotes,
    note: () => {},
    sleep: async () => void log.push(["settle"]),
  };
  let tries = 0;
  const answered = [];
  const event = await deliver(means, part, isNew, async (_wanted, isAnswered) => {
    tries += 1;
    answered.push(isAnswered);
    if (tries > 5) throw new Error("there is no end to it");
  });
  return { event, tries, answered, log };
}
