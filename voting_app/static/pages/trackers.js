// @ts-check
/**
 * "Is my ballot in the ballot box?" The list of all trackers is fetched and searched here, so that the server does not
 * learn whose ballot somebody looks for. What is typed goes nowhere: the field has no name, and the form is never sent.
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
 * @returns {"there" | "replaced" | "missing"}
 */
export function findTracker(list, tracker) {
  for (const line of list.split("\n")) {
    const [, found, note] = line.trim().split(" ");
    if (found === tracker) return note === "replaced" ? "replaced" : "there";
  }
  return "missing";
}

/**
 * @param {HTMLElement} place
 * @param {"good" | "warning" | "danger" | "info"} kind
 * @param {string} title
 * @param {string} [advice]
 */
function show(place, kind, title, advice) {
  const box = document.createElement("div");
  box.className = `notice ${kind}`;
  const first = document.createElement("p");
  first.className = "title";
  first.textContent = title;
  box.append(first);
  if (advice) {
    const second = document.createElement("p");
    second.textContent = advice;
    box.append(second);
  }
  place.replaceChildren(box);
}

/** @param {HTMLElement} place @param {string} list @param {string} tracker */
function answer(place, list, tracker) {
  const found = findTracker(list, tracker);
  if (found === "there") {
    show(place, "good", _("Your ballot is in the ballot box."), _("It is exactly as your device made it, and it counts."));
  } else if (found === "replaced") {
    show(
      place,
      "info",
      _("This ballot is in the ballot box, but a later one of the same voter counts instead."),
      _("If you did not vote again, tell the election committee at once."),
    );
  } else {
    show(
      place,
      "warning",
      _("This tracker is not in the list."),
      _("Compare it with your receipt sign by sign. If you have cast it just now, wait a minute and search again. If it stays away although you have a receipt, give the receipt to the election committee: it proves that the ballot was taken."),
    );
  }
}

/** @param {HTMLFormElement} form */
async function start(form) {
  await loadTexts();
  const field = /** @type {HTMLInputElement} */ (document.getElementById("tracker"));
  const place = /** @type {HTMLElement} */ (document.getElementById("answer"));
  form.hidden = false;

  async function search() {
    const tracker = readTracker(field.value);
    field.toggleAttribute("aria-invalid", false);
    if (!tracker) {
      field.setAttribute("aria-invalid", "true");
      field.focus();
      show(place, "warning", _("This is not a tracker."), _("A tracker has 43 letters, digits, + or /. It stands on your receipt."));
      return;
    }
    show(place, "info", _("Fetching the list …"));
    try {
      const response = await fetch(form.dataset.list ?? "", { cache: "no-cache" });
      if (!response.ok) throw new Error(String(response.status));
      answer(place, await response.text(), tracker);
    } catch {
      show(place, "danger", _("The list could not be fetched."), _("Check your connection and search again."));
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void search();
  });
  // A receipt's link may bring the tracker as a fragment, which no browser sends.
  const brought = readTracker(location.hash.slice(1).replaceAll("%2B", "+").replaceAll("%2F", "/"));
  if (brought) {
    history.replaceState(null, "", location.pathname + location.search);
    field.value = brought;
    void search();
  }
}

const form = globalThis.document?.getElementById("search");
if (form instanceof HTMLFormElement) void start(form);
