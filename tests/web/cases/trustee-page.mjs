// The trustees' page: what it reads and keeps, and its words.
import { remembersFrom } from "../../../voting_app/static/booth/memory.js";
import { parseInbox, quorumOf, readProblem } from "../../../voting_app/static/pages/trustee-inbox.js";
import * as store from "../../../voting_app/static/pages/trustee-store.js";
import * as words from "../../../voting_app/static/pages/trustee-words.js";

export const trusteeInbox = ({ text, uuid }) => parseInbox(text, uuid);
export const trusteeProblem = ({ text, name }) => readProblem(text, name);
export const trusteeMemory = ({ text }) => store.parseMemory(text);

/** A browser in which storage and locks are of this kind. */
async function within(kind, kept, action) {
  const storages = {
    working: { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) },
    forgetful: { getItem: () => null, setItem: () => {} },
    full: {
      getItem: () => null,
      setItem: () => {
        throw new Error("QuotaExceededError");
      },
    },
  };
  const fail = () => {
    throw new Error("SecurityError");
  };
  storages.lockless = storages.working;
  const locks = { request: async (name, action) => (kind === "lockless" ? fail() : action({ name })) };
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "localStorage", { configurable: true, get: () => storages[kind] ?? fail() });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks } });
  try {
    return await action();
  } finally {
    delete globalThis.localStorage;
    delete globalThis.navigator;
    if (before) Object.defineProperty(globalThis, "navigator", before);
  }
}

/** What there is after these visits, and with what each was compared. */
export const trusteeWrites = ({ uuid, seen, kind, between }) => {
  const kept = new Map();
  const compared = [];
  return within(kind, kept, async () => {
    const results = [];
    for (const one of seen) {
      const compare = async (memory) => {
        compared.push(memory);
        if (between && compared.length === 1) kept.set(store.keyOf(uuid), between);
        return one;
      };
      results.push(await store.note(uuid, compare));
    }
    return { results, compared, memory: store.readMemory(uuid), keys: [...kept.keys()] };
  });
};

/** Another tab has noted something that the record does not go on from. */
export const trusteeContradicts = ({ uuid, text }) =>
  within("working", new Map(), () => {
    const compare = async (memory) => {
      if (memory) throw new Error("changed");
      globalThis.localStorage.setItem(store.keyOf(uuid), text);
      return { journal: { height: 1, head: "ab".repeat(32) }, box: [] };
    };
    return store.note(uuid, compare);
  });

export const trusteeVisit = ({ isCompared, isKept }) => words.explainVisit({ isCompared, isKept });
export const trusteeFault = (fault) => words.explainFault(fault);
export const trusteeWaiting = ({ inbox, part }) => words.explainWaiting(inbox, part);
export const trusteeQuorum = ({ inbox }) => words.explainQuorum(quorumOf(inbox));
export const trusteeRemembers = ({ memory, line }) => remembersFrom(memory, line);
