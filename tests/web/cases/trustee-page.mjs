// The trustees' page: what it reads and keeps, and its words.
import { parseInbox, readProblem } from "../../../voting_app/static/pages/trustee-inbox.js";
import * as store from "../../../voting_app/static/pages/trustee-store.js";
import * as words from "../../../voting_app/static/pages/trustee-words.js";

export const trusteeInbox = ({ text, uuid }) => parseInbox(text, uuid);
export const trusteeProblem = ({ text, name }) => readProblem(text, name);
export const trusteeMemory = ({ text }) => store.parseMemory(text);

/** What there is after these writings: `taken` of them say that they are kept. */
export const trusteeWrites = ({ uuid, seen, kind }) => {
  const kept = new Map();
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
  const property = { configurable: true, get: () => storages[kind] ?? fail() };
  const fail = () => {
    throw new Error("SecurityError");
  };
  Object.defineProperty(globalThis, "localStorage", property);
  try {
    const results = seen.map((one) => store.writeMemory(uuid, one));
    return { results, memory: store.readMemory(uuid), keys: [...kept.keys()] };
  } finally {
    delete globalThis.localStorage;
  }
};

export const trusteeVisit = ({ isCompared, isKept }) => words.explainVisit({ isCompared, isKept });
export const trusteeFault = (fault) => words.explainFault(fault);
