// @ts-check
/**
 * The second device: opens a ballot that its voter checks instead of casting it, and says in words what is in it.
 *
 * The code comes in the fragment of a scanned address or is pasted; it stays on this device. What the server sends is
 * believed only as far as it can be computed from the code.
 */
import { Client } from "../booth/client.js";
import { Missing, findCode, openGivenUp } from "./check-opening.js";
import { actions, button, code, fingerprintBox, h, notice, show, words } from "./dom.js";
import { comeBackEmpty, keepPageInOtherLanguages } from "./frame.js";
import { _, loadTexts } from "./texts.js";
import { chooseTexts, describeChoice, markTest } from "./vote-views.js";

/** @typedef {import("./dom.js").Child} Child */

const uuid = location.pathname.split("/")[2];
const place = /** @type {HTMLElement} */ (document.getElementById("view"));

/** @param {string} path */
async function get(path) {
  const response = await fetch(path, { cache: "no-cache", credentials: "omit", redirect: "error" });
  if (response.status === 404) throw new Missing();
  if (!response.ok) throw new Error(String(response.status));
  return response.arrayBuffer();
}

/** Counts what was begun: a code that comes while another one is checked takes its place. */
let errand = 0;

/** Draws the present view again, in another language: a scanned code is in no address and must not be asked for twice. */
let redraw = () => {};

/** @param {() => Child[]} view */
function tell(view) {
  redraw = () => show(place, view(), false);
  show(place, view(), true);
}

function again() {
  return actions(button(_("Check another ballot"), () => askForCode(null), "quiet"));
}

/**
 * @param {(() => string) | null} error
 * @param {string} [typed] what stands in the field
 * @param {boolean} [isNew] whether the reader shall be taken to what is wrong
 */
function askForCode(error, typed = "", isNew = true) {
  // What is still being checked is not what the reader wants any more.
  errand += 1;
  const field = /** @type {HTMLTextAreaElement} */ (
    h("textarea", {
      id: "code",
      class: "code-input",
      rows: 4,
      autocomplete: "off",
      autocapitalize: "off",
      autocorrect: "off",
      spellcheck: "false",
      "aria-describedby": error ? "code-error code-hint" : "code-hint",
      "aria-invalid": error ? "true" : null,
    })
  );
  const go = () => {
    const typed = field.value;
    field.value = "";
    const found = findCode(typed);
    if (found) void check(found);
    else askForCode(() => _("This is not the code of a ballot. It begins with 1. and has two more points in it."));
  };
  field.value = typed;
  // The link to the other language keeps the focus.
  redraw = () => askForCode(error, field.value, false);
  show(
    place,
    [
      h("h1", {}, _("Check a ballot")),
      h("p", { class: "lead" }, _("On the other device somebody has encrypted a ballot and had it opened instead of casting it. This device computes by itself what is in it.")),
      h(
        "div",
        { class: "field" },
        h("label", { for: "code" }, _("Code of the ballot")),
        h("p", { class: "hint", id: "code-hint" }, _("Scan the QR code of the other device with this device's camera, or paste the code as text.")),
        error && h("p", { class: "error", id: "code-error", role: "alert" }, error()),
        field,
      ),
      actions(button(_("Check"), go)),
    ],
    false,
  );
  if (error && isNew) field.focus();
}

/** @param {{ code: string, tracker: string }} found */
async function check({ code: opened, tracker }) {
  tell(() => [h("h1", {}, _("Checking …")), h("p", { class: "waiting", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), _("Fetching the ballot and computing it again …"))]);
  const mine = ++errand;
  const client = new Client();
  let view;
  try {
    const found = await openGivenUp(uuid, { code: opened, tracker }, { get, call: (op, args) => client.call(op, args) });
    view = () => describeContents(found, tracker);
  } catch (error) {
    view = error instanceof Missing ? () => describeMissing(tracker) : describeFailure;
  } finally {
    client.close();
  }
  if (mine === errand) tell(view);
}

/**
 * @param {import("./check-opening.js").Finding} found
 * @param {string} tracker
 * @returns {Child[]}
 */
function describeContents({ election, contents: result, isGivenUp }, tracker) {
  const texts = chooseTexts({ language: document.documentElement.lang, election });
  const trackerBox = h("div", { class: "tracker" }, h("p", { class: "name" }, _("Tracker of this ballot")), code(tracker));
  if (!("choices" in result)) {
    return [
      h("h1", {}, _("This ballot is not what it should be")),
      h(
        "div",
        { class: "notice danger", role: "alert" },
        h("p", { class: "title" }, _("Do not vote on the other device.")),
        h("p", {}, _("What was encrypted there is not what its code tells. The device, its browser or the page that it was served may be deceiving the voter. Tell the election committee, and keep the code and both devices as they are.")),
      ),
      trackerBox,
      h("p", { class: "small muted" }, _("For the committee: %(detail)s", { detail: result.message })),
      again(),
    ];
  }
  if (!isGivenUp) {
    return [
      h("h1", {}, _("This ballot could still be cast")),
      h(
        "div",
        { class: "notice danger", role: "alert" },
        h("p", { class: "title" }, _("Do not vote on the other device.")),
        h("p", {}, _("The election's public journal does not say that this ballot was given up to be checked. The server has it, and could put it into the ballot box as the voter's. Tell the election committee, and keep the code and both devices as they are.")),
      ),
      trackerBox,
      again(),
    ];
  }
  const { choices } = result;
  return [
    markTest(election),
    h("h1", {}, _("This is in the ballot")),
    notice("good", _("The ballot was encrypted exactly with these choices.")),
    texts.questions.map(({ question }, number) =>
      h("section", { class: "card answered" }, h("h2", { class: "card-title" }, words(question, texts.language)), describeChoice(texts, number, choices[number])),
    ),
    h("h2", {}, _("Compare")),
    h("ol", {},
      h("li", {}, _("Are these the choices that were made on the other device? If not, it is deceiving you: do not vote on it, and tell the election committee.")),
      h("li", {}, _("Does the other device show this tracker?")),
      h("li", {}, _("Does the sheet, or the other device, name these eight words of the election?"))),
    trackerBox,
    h("div", { class: "tracker" }, h("p", { class: "name" }, _("Fingerprint of the election")), fingerprintBox(election.fingerprint)),
    h("p", {}, _("If all three agree, the other device encrypts what it is told. This ballot itself can never be cast, as the election's journal says: encrypt another one there.")),
    again(),
  ];
}

/** @param {string} tracker @returns {Child[]} */
function describeMissing(tracker) {
  return [
    h("h1", {}, _("The server does not know this ballot")),
    h(
      "div",
      { class: "notice danger", role: "alert" },
      h("p", { class: "title" }, _("No ballot with this tracker was given up to be checked in this election.")),
      h("p", {}, _("The other device shows its code only after the server has taken the ballot. If you have scanned the code itself, something is wrong: do not vote on the other device, and tell the election committee.")),
    ),
    h("div", { class: "tracker" }, h("p", { class: "name" }, _("Tracker of this ballot")), code(tracker)),
    again(),
  ];
}

/** @returns {Child[]} */
function describeFailure() {
  return [
    h("h1", {}, _("The check could not be made")),
    notice("warning", _("Nothing was found out about the ballot."), h("p", {}, _("Check your connection and scan the code once more, or use another browser."))),
    again(),
  ];
}

/** @param {string} fragment of the code's address, "" without one */
function arrive(fragment) {
  const found = findCode(fragment);
  if (found) void check(found);
  else askForCode(fragment ? () => _("The code is not complete. Scan it once more.") : null);
}

const takeFragments = /** @type {any} */ (globalThis).takeFragments;
// Without it support.js has said why nothing can be done here.
if (takeFragments) {
  comeBackEmpty(place, () => true);
  void loadTexts().then(() => {
    keepPageInOtherLanguages(() => _("Check a ballot"), () => redraw());
    arrive(takeFragments(arrive));
  });
}
