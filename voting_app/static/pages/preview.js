// @ts-check
/**
 * The booth as voters will see it, for who prepares the election: states, views and Worker are the voters' own, the
 * election data those that would be fixed now. The ballot is encrypted for real, with a code that no list has and under
 * a key that is none, and there is nothing in this program that could send it.
 */
import { Client } from "../booth/client.js";
import { show } from "./dom.js";
import { loadTexts } from "./texts.js";
import { fetchPhotos, fillPhotos } from "./vote-photos.js";
import { makeRules } from "./vote-opening.js";
import { START, completeChoices, next } from "./vote-state.js";
import { draw } from "./vote-views.js";

const place = /** @type {HTMLElement} */ (document.getElementById("view"));
const given = JSON.parse(place.dataset.facts ?? "{}");
/** @type {import("./vote-views.js").Facts} */
const facts = {
  uuid: given.uuid,
  language: document.documentElement.lang,
  election: null,
  status: given.status,
  isNamed: true,
  needed: given.needed,
  codesBy: given.codes,
};
const worker = new Client();
/** @type {import("./vote-state.js").State} */
let state = START;
let isFirst = true;

const nothing = () => {};
const tools = {
  enter: nothing,
  save: nothing,
  copy: nothing,
  remove: nothing,
  removeAll: nothing,
  pick: nothing,
  useAnother: nothing,
};

/** @param {string} type @param {Record<string, any>} [values] */
function act(type, values = {}) {
  const before = state;
  state = next(state, { ...values, type });
  if (state === before) return;
  // Here the voters' program would speak with the server.
  if (type === "cast" || type === "challenge") {
    showEnd();
    return;
  }
  render(state.view !== before.view || state.question !== before.question);
  if (state.view === "encrypting" && before.view !== "encrypting") void encrypt();
}

/** @param {boolean} isNew whether the reader is to begin at the top */
function render(isNew) {
  const focused = document.activeElement?.id;
  show(place, draw({ state, facts, act, tools }), isNew && !isFirst);
  fillPhotos(place);
  isFirst = false;
  if (!isNew && focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

async function encrypt() {
  const choices = completeChoices(state.choices);
  const made = await worker.call("encrypt", { credential: given.credential, choices }, (done, total) => {
    act("progress", { progress: done / total });
  });
  act("encrypted", { ballot: { text: made.ballot, tracker: made.tracker, code: made.code } });
}

function showEnd() {
  showOwn("end");
  document.getElementById("again")?.addEventListener("click", begin);
}

/** What the voters' program never says stands in the page, so that no voter's phone carries it. @param {string} id */
function showOwn(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  show(place, [.../** @type {DocumentFragment} */ (template.content.cloneNode(true)).children], true);
}

function begin() {
  state = START;
  act("welcome", { rules: makeRules(facts.election) });
}

try {
  const [answer] = await Promise.all([fetch(place.dataset.election ?? "", { cache: "no-store" }), loadTexts()]);
  facts.election = await worker.call("prepare", { election: await answer.arrayBuffer() });
  begin();
  void fetchPhotos(`/office/elections/${facts.uuid}/photos`, facts.election?.candidates, "same-origin");
} catch {
  showOwn("broken");
}
