// @ts-check
/**
 * "Is my ballot in the ballot box?" The list of all trackers is fetched and searched here, so that the server does not
 * learn whose ballot somebody looks for. What is typed goes nowhere: the field has no name, and the form is never sent.
 *
 * What that means depends on the state of the election, which is asked for at the same time.
 *
 * Each line of the list: HEIGHT TRACKER, and `replaced` where a later ballot of the same voter counts.
 */
import { _, loadTexts } from "./texts.js";

const TRACKER = /^[A-Za-z0-9+\/]{43}$/;

/**
 * The tracker in what was typed or pasted: blanks, signs that cannot be seen and a trailing "=" do not matter, and a
 * whole receipt will do.
 *
 * @param {string} text
 * @returns {string | null}
 */
export function readTracker(text) {
  const receipt = /"tracker"\s*:\s*"([A-Za-z0-9+\/]{43})"/.exec(text);
  if (receipt) return receipt[1];
  const plain = text.replace(/[\s\u00ad\u200b-\u200f\u2060\ufeff]/g, "").replace(/[=]+$/, "");
  return TRACKER.test(plain) ? plain : null;
}

/**
 * @param {string} list
 * @param {string} tracker
 * @returns {Found}
 */
export function findTracker(list, tracker) {
  for (const line of list.split("\n")) {
    const [, found, note] = line.trim().split(" ");
    if (found === tracker) return note === "replaced" ? "replaced" : "there";
  }
  return "missing";
}

/**
 * @typedef {{ kind: "good" | "warning" | "danger" | "info", title: string, advice?: string[] }} Answer
 * @typedef {"there" | "replaced" | "missing"} Found
 */

/**
 * What it means that a tracker is where it is, in the state that the election is in now. A state that is not known, or
 * could not be fetched, promises nothing about counting.
 *
 * @param {Found} found
 * @param {{ state?: unknown, revoting?: unknown } | null} status as the server tells it
 * @returns {Answer}
 */
export function explainFound(found, status) {
  const state = status?.state;
  const why = explainWithoutResult(state);
  if (found === "missing") {
    const isFinal = typeof state === "string" && ["tallied", "certified", "cancelled", "untalliable"].includes(state);
    const advice = isFinal
      ? _("Compare it with your receipt sign by sign. If it is the same, give the receipt to the election committee: it proves that the ballot was taken.")
      : _("Compare it with your receipt sign by sign. If you have cast it just now, wait a minute and search again. If it stays away although you have a receipt, give the receipt to the election committee: it proves that the ballot was taken.");
    return { kind: "warning", title: _("This tracker is not in the list."), advice: why ? [advice, why] : [advice] };
  }
  if (found === "replaced") {
    const advice = _("If you did not vote again, tell the election committee at once.");
    if (why) return { kind: "warning", title: _("This ballot is in the ballot box, and a later one of the same voter replaced it. No ballot of this election counts."), advice: [why, advice] };
    return { kind: "info", title: _("This ballot is in the ballot box, but a later one of the same voter counts instead."), advice: [advice] };
  }
  const exact = _("It is exactly as your device made it.");
  if (why) return { kind: "warning", title: _("Your ballot is in the ballot box, but no ballot of this election counts."), advice: [why, exact] };
  return { kind: "good", title: _("Your ballot is in the ballot box."), advice: [exact, ...explainCounting(state, status?.revoting)] };
}

/** @param {unknown} state @returns {string | null} why no ballot counts, or null where they do or nobody knows yet */
function explainWithoutResult(state) {
  if (state === "cancelled") return _("The committee has cancelled the election; its reason stands on the election's page. If there is to be another vote, you will have to vote again there.");
  if (state === "untalliable") return _("Too few trustees can open the result, so the ballots stay encrypted. If there is to be another vote, you will have to vote again there.");
  return null;
}

/** @param {unknown} state @param {unknown} revoting @returns {string[]} */
function explainCounting(state, revoting) {
  if (state === "open" || state === "paused") {
    return [
      revoting === true
        ? _("It will be counted after the voting closes, unless you vote once more before: then the last ballot counts.")
        : _("It will be counted after the voting closes."),
    ];
  }
  if (state === "closed") return [_("The voting has closed, and your ballot is being counted with the others.")];
  if (state === "tallied") return [_("It was counted. The committee has still to certify the result.")];
  if (state === "certified") return [_("It was counted, and the committee has certified the result.")];
  return [];
}

/** @param {HTMLElement} place @param {Answer} answer */
function show(place, { kind, title, advice = [] }) {
  const box = document.createElement("div");
  box.className = `notice ${kind}`;
  for (const text of [title, ...advice]) {
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    box.append(paragraph);
  }
  box.firstElementChild?.classList.add("title");
  place.replaceChildren(box);
}

/** @param {string} address @returns {Promise<{ state?: unknown, revoting?: unknown } | null>} */
async function fetchStatus(address) {
  try {
    const response = await fetch(address, { cache: "no-cache", credentials: "omit" });
    return response.ok ? await response.json() : null;
  } catch {
    // The list answers the question that was asked; what the state adds to it is left out.
    return null;
  }
}

/** @param {HTMLFormElement} form */
async function start(form) {
  await loadTexts();
  const field = /** @type {HTMLInputElement} */ (document.getElementById("tracker"));
  const place = /** @type {HTMLElement} */ (document.getElementById("answer"));
  form.hidden = false;
  /** Counts the searches, so that a late list does not answer for another tracker than the one in the field. */
  let errand = 0;

  async function search() {
    const mine = ++errand;
    const tracker = readTracker(field.value);
    field.toggleAttribute("aria-invalid", false);
    if (!tracker) {
      field.setAttribute("aria-invalid", "true");
      field.focus();
      show(place, { kind: "warning", title: _("This is not a tracker."), advice: [_("A tracker has 43 letters, digits, + or /. It stands on your receipt.")] });
      return;
    }
    show(place, { kind: "info", title: _("Fetching the list …") });
    try {
      const [response, status] = await Promise.all([
        fetch(form.dataset.list ?? "", { cache: "no-cache", credentials: "omit" }),
        // Anew, because the page may have been open for hours.
        fetchStatus(form.dataset.status ?? ""),
      ]);
      if (!response.ok) throw new Error(String(response.status));
      const answer = explainFound(findTracker(await response.text(), tracker), status);
      if (mine === errand) show(place, answer);
    } catch {
      if (mine === errand) show(place, { kind: "danger", title: _("The list could not be fetched."), advice: [_("Check your connection and search again.")] });
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void search();
  });
  // What is said below the field is said of what stands in it.
  field.addEventListener("input", () => {
    errand += 1;
    place.replaceChildren();
  });

  /** A receipt's link may bring the tracker as a fragment, which no browser sends. */
  function takeBrought() {
    const fragment = location.hash.slice(1);
    // "#main" is the skip link's.
    if (!fragment || fragment === "main") return;
    history.replaceState(null, "", location.pathname + location.search);
    field.value = readTracker(fragment.replace(/%2b/gi, "+").replace(/%2f/gi, "/")) ?? "";
    void search();
  }
  takeBrought();
  // Another receipt's link was opened in this tab: only the fragment changes, and the page stays.
  addEventListener("hashchange", takeBrought);
}

// Outside of a browser, where tests read this module, there is no document.
const form = /** @type {HTMLFormElement | null | undefined} */ (globalThis.document?.getElementById("search"));
if (form) void start(form);
