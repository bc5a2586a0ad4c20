// @ts-check
/**
 * The registrar's page: makes voting codes in this browser, publishes the list of their public halves, prints sheets.
 *
 * Codes are first saved as a file, and the file is chosen again: what is published and what is printed comes out of the
 * chosen file only. So whatever happens to browser or connection, a published list is one whose file is there. No code
 * is ever sent: what leaves is the public list.
 */
import { Client } from "../booth/client.js";
import { actions, button, code, facts, fingerprintBox, h, notice, show } from "./dom.js";
import { comeBackEmpty } from "./frame.js";
import { LAYOUTS, findOverfull, makeSheets } from "./registrar-sheets.js";
import { _, addTexts, loadTexts, ngettext } from "./texts.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {import("./registrar-sheets.js").Member} Member */
/** @typedef {import("./registrar-sheets.js").Occasion} Occasion */
/** @typedef {{ family?: string, rule?: string | null, message: string }} Fault */

const PATIENCE_MS = 120_000;
// Each has a drawing of a thousand parts; browsers stumble over more pages than a few hundred.
const AT_ONCE = 100;

const place = /** @type {HTMLElement} */ (document.getElementById("view"));
const given = /** @type {Record<"election" | "step" | "published" | "token" | "page", string>} */ ({ ...place?.dataset });
const uuid = given.election;

/** @type {{ site: string, members: Member[], contents: Occasion["contents"] }} */
let issued = { site: "", members: [], contents: {} };
/** @type {Client | null} */
let worker = null;
/** Whether leaving now would lose codes that are in no file yet. */
let isUnsaved = false;

/** @param {string} op @param {object} args @param {(done: number, total: number) => void} [onProgress] */
async function compute(op, args, onProgress) {
  worker ??= new Client(new URL("../booth/registrarWorker.js", import.meta.url));
  return worker.call(op, { uuid, voters: issued.members.map(({ number, weight }) => ({ number, weight })), ...args }, onProgress);
}

/** Ends the Worker, and with it the codes in its memory. */
function forget() {
  worker?.close();
  worker = null;
}

// --- drawing -------------------------------------------------------------------------------------------------------

/** @param {...Child} children */
function draw(...children) {
  show(place, children, false);
  const heading = place.querySelector("h2");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus();
}

/** @param {string} text */
function drawProgress(text) {
  const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: 1, "aria-label": text }));
  draw(h("p", { class: "waiting", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), text), bar);
  return (/** @type {number} */ done, /** @type {number} */ total) => {
    bar.max = total;
    bar.value = done;
  };
}

/**
 * A field for the file. Choosing is enough: nothing else has to be pressed.
 * @param {string} label @param {string} hint @param {(file: File) => void} take
 */
function fileField(label, hint, take) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", { id: "file", type: "file", accept: ".csv,text/csv", "aria-describedby": "file-hint" })
  );
  input.addEventListener("change", () => {
    if (input.files?.length) take(input.files[0]);
  });
  return h("div", { class: "field" }, h("label", { for: "file" }, label), h("p", { class: "hint", id: "file-hint" }, hint), input);
}

/** @param {Fault} fault */
function explain({ family, rule, message: where }) {
  if (family !== "FileFault") return _("This file cannot be read. Choose the file as this page or steward-registrar made it.");
  switch (rule) {
    case "row":
      return _("Row %(row)s of the file is not readable.", { row: where });
    case "twice":
      return _("Row %(row)s has a member or a code that stands in another row too.", { row: where });
    case "missing":
      return _("The file has no code for these members: %(members)s. It may be the file of another election.", { members: where });
    case "foreign":
      return _("The file has codes for these members, who may not vote: %(members)s. It may be the file of another election.", { members: where });
    case "another":
      return _("This is not the file whose list is in the ballot box. With these codes nobody could vote.");
    default:
      return _("This is not a file with voting codes: it has other columns.");
  }
}

/** @param {unknown} error */
function alertOf(error) {
  const box = notice("danger", explain(/** @type {Fault} */ (error)), h("p", {}, _("Nothing was sent.")));
  box.setAttribute("role", "alert");
  return box;
}

/** @param {string} sentence */
function refused(sentence) {
  const box = notice("danger", sentence);
  box.setAttribute("role", "alert");
  return box;
}

// --- making and publishing -----------------------------------------------------------------------------------------

/** @param {Child} [said] */
function showMake(said = null) {
  const { length } = issued.members;
  draw(
    said,
    h("h2", {}, _("Make the file of codes")),
    h("p", {}, ngettext("%(num)s member gets a code.", "%(num)s members get a code each.", length), " ", _("Do this on a computer that only you use. Who has the file can vote in everybody's place.")),
    actions(button(_("Make the codes"), () => void make())),
    h("h2", {}, _("Or go on with a file that you have")),
    h("p", {}, _("Such as one that was saved before the browser was closed, or that steward-registrar has made.")),
    fileField(_("The file with the codes"), _("It stays in this browser."), (file) => void check(file)),
  );
}

async function make() {
  drawProgress(_("Making the codes …"));
  isUnsaved = true;
  try {
    const { file } = await compute("make", {});
    showSave(URL.createObjectURL(new Blob([file], { type: "text/csv" })));
  } catch (error) {
    isUnsaved = false;
    showMake(alertOf(error));
  }
}

/** @param {string} address */
function showSave(address) {
  const name = `credentials-${uuid}.csv`;
  draw(
    h("h2", {}, _("Save the file")),
    h("p", {}, _("Keep it and one copy where nobody else can read them, until the voting is over: the sheets are printed from it, and nobody can make it again.")),
    actions(h("a", { class: "button", download: name, href: address }, _("Save the file"))),
    h("p", { class: "small" }, h("code", {}, name)),
    h("h3", {}, _("Then choose the file that you saved")),
    fileField(_("The saved file"), _("So nothing is published before the codes are safely in a file."), (file) => {
      URL.revokeObjectURL(address);
      void check(file);
    }),
  );
}

/** Reckons the public list of a chosen file. @param {File} file */
async function check(file) {
  const onProgress = drawProgress(_("Reckoning the list …"));
  try {
    const { list, hash, fingerprint } = await compute("list", { file }, onProgress);
    isUnsaved = false;
    forget();
    if (given.step === "make") showPublish({ list, hash, fingerprint });
    else if (hash === given.published) showKeys(notice("good", _("This is the file of the published list.")));
    else showKeys(refused(_("This is not the file whose list was published.")));
  } catch (error) {
    // A file that was made here and is not saved yet is gone with this view; another one can be made.
    isUnsaved = false;
    const said = alertOf(error);
    if (given.step === "make") showMake(said);
    else showKeys(said);
  }
}

/** @param {{ list: string, hash: string, fingerprint: string }} found @param {Child} [said] */
function showPublish(found, said = null) {
  const field = /** @type {HTMLInputElement} */ (
    h("input", { id: "code", inputmode: "numeric", autocomplete: "one-time-code", dir: "ltr", required: true, "aria-describedby": "code-hint" })
  );
  const form = h(
    "form",
    {},
    h(
      "div",
      { class: "field" },
      h("label", { for: "code" }, _("The six digits that your app shows now")),
      h("p", { class: "hint", id: "code-hint" }, _("They confirm that it is you. Each code is good once.")),
      field,
    ),
    h("p", { class: "actions" }, h("button", {}, _("Publish the list"))),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void publish(found, field.value);
  });
  draw(
    said,
    h("h2", {}, _("Publish the list")),
    h("p", {}, _("The list has no names and no codes, and its order tells nothing. It can be published once: from then on only the codes in your file are good.")),
    facts([_("Codes"), String(issued.members.length)], [_("Fingerprint of the list"), code(found.fingerprint)]),
    form,
  );
}

/** @param {{ list: string, hash: string, fingerprint: string }} found @param {string} digits */
async function publish(found, digits) {
  drawProgress(_("Publishing the list …"));
  const body = new FormData();
  body.append("csrf_token", given.token);
  body.append("code", digits);
  body.append("list", new Blob([found.list], { type: "application/json" }), "public-credentials.json");
  const { ok, value } = await ask("/list", { method: "POST", body });
  if (!ok) showPublish(found, refused(value.sentence || value.title || _("The server did not answer. Try again; the list is published once only.")));
  else if (value.credentials !== found.hash) draw(refused(_("The server has published another list than the one that was sent. Tell the election committee.")));
  else {
    draw(
      notice("good", _("The list is published.")),
      h("h2", {}, _("What comes next")),
      h("p", {}, _("Keep your file. When the trustees' keys are ready you can print the sheets here: only then is the election's fingerprint known, which stands on them.")),
    );
  }
}

// --- printing ------------------------------------------------------------------------------------------------------

/** @param {Child} [said] */
function showKeys(said = null) {
  draw(
    said,
    h("h2", {}, _("The list is published")),
    h("p", {}, _("Keep your file. When the trustees' keys are ready you can print the sheets here: only then is the election's fingerprint known, which stands on them.")),
    fileField(_("Check whether a file is the right one"), _("It stays in this browser."), (file) => void check(file)),
  );
}

/** @param {Child} [said] */
function showOpen(said = null) {
  draw(
    said,
    h("h2", {}, _("Print the sheets")),
    h("p", {}, _("Choose the file with the codes. Before anything is printed it is compared with the list in the ballot box.")),
    fileField(_("The file with the codes"), _("It stays in this browser."), (file) => void open(file)),
  );
}

/** @param {File} file */
async function open(file) {
  const onProgress = drawProgress(_("Comparing the codes with the ballot box …"));
  const [election, published] = await Promise.all([fetchBytes("election"), fetchBytes("credentials")]);
  if (!election || !published) {
    showOpen(refused(_("The server did not answer. Try again in a minute.")));
    return;
  }
  try {
    const { fingerprint, codes, isTest } = await compute("open", { file, election, published }, onProgress);
    showPrint({ site: issued.site, uuid, fingerprint, isTest, contents: issued.contents, codes });
  } catch (error) {
    showOpen(alertOf(error));
  } finally {
    forget();
  }
}

/** @param {Occasion} occasion */
function showPrint(occasion) {
  const { members } = issued;
  const paper = h(
    "select",
    { id: "paper" },
    [
      ["letter", _("US Letter, a page for each member")],
      ["a4", _("A4, a page for each member")],
      ["letter-labels", _("US Letter, 6 labels of 4 × 3⅓ in")],
      ["a4-labels", _("A4, 8 labels of 99.1 × 67.7 mm")],
    ].map(([value, word]) => h("option", { value }, word)),
  );
  const parts = Array.from({ length: Math.ceil(members.length / AT_ONCE) }, (_one, index) => index * AT_ONCE);
  const which = h(
    "select",
    { id: "which" },
    parts.map((start) => {
      const last = Math.min(start + AT_ONCE, members.length);
      return h("option", { value: start }, _("%(first)s to %(last)s of %(total)s", { first: start + 1, last, total: members.length }));
    }),
  );
  const one = h("input", { id: "one", autocomplete: "off", "aria-describedby": "one-hint" });
  const said = h("div", { role: "status" });
  const form = h(
    "form",
    {},
    h("div", { class: "field" }, h("label", { for: "paper" }, _("Paper")), paper),
    h("div", { class: "field" }, h("label", { for: "which" }, _("Which members, in the order of the roll")), which),
    h("div", { class: "field" }, h("label", { for: "one" }, _("Or one member only")), h("p", { class: "hint", id: "one-hint" }, _("The member number.")), one),
    h("p", { class: "actions" }, h("button", {}, _("Print"))),
  );
  const value = (/** @type {HTMLElement} */ field) => /** @type {HTMLInputElement} */ (field).value.trim();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = value(one);
    const start = Number(value(which));
    const wanted = number ? members.filter((member) => member.number === number) : members.slice(start, start + AT_ONCE);
    said.replaceChildren(...[wanted.length ? print(value(paper), wanted, occasion) : refused(_("Nobody with this number may vote."))].filter((box) => box !== null));
  });
  draw(
    h("h2", {}, _("Print the sheets")),
    h("p", {}, _("The file belongs to the ballot box. Compare these eight words with the trustees': they stand on every sheet.")),
    facts([_("Fingerprint of the election"), fingerprintBox(occasion.fingerprint)], [_("Address on the sheets"), h("bdi", { dir: "ltr" }, occasion.site)]),
    h("p", {}, _("In the browser's window for printing choose the real size, no margins, and neither headers nor footers. Do not let the printer or the computer keep what was printed.")),
    form,
    said,
  );
}

/**
 * @param {string} layout
 * @param {readonly Member[]} members
 * @param {Occasion} occasion
 * @returns {HTMLElement | null} what is to be said
 */
function print(layout, members, occasion) {
  if (!Object.hasOwn(LAYOUTS, layout)) return null;
  removeSheets();
  let sheets = makeSheets(layout, members, occasion);
  document.body.append(sheets);
  const left = new Set(findOverfull(sheets));
  if (left.size) {
    removeSheets();
    const others = members.filter(({ number }) => !left.has(number));
    if (others.length) {
      sheets = makeSheets(layout, others, occasion);
      document.body.append(sheets);
    }
  }
  if (left.size < members.length) {
    document.documentElement.classList.add("printing");
    globalThis.print();
  }
  return left.size
    ? refused(_("These members' names or addresses have no room, so their sheets are left out: %(members)s. Try other paper.", { members: [...left].join(", ") }))
    : null;
}

function removeSheets() {
  document.documentElement.classList.remove("printing");
  for (const sheets of document.querySelectorAll(".sheets")) sheets.remove();
}

// --- the server ----------------------------------------------------------------------------------------------------

/**
 * @param {string} path below this page's address
 * @param {RequestInit} [options]
 * @returns {Promise<{ ok: boolean, value: any }>}
 */
async function ask(path, options = {}) {
  try {
    const answer = await fetch(given.page + path, {
      ...options,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { Accept: "application/json" },
    });
    return { ok: answer.ok, value: await answer.json() };
  } catch {
    return { ok: false, value: {} };
  }
}

/** What is published, byte for byte. @param {string} what */
async function fetchBytes(what) {
  try {
    const answer = await fetch(`/api/v1/elections/${encodeURIComponent(uuid)}/${what}`, { credentials: "omit", redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? await answer.arrayBuffer() : null;
  } catch {
    return null;
  }
}

async function start() {
  const { ok, value } = await ask("/members");
  if (!ok) {
    draw(refused(value.title || _("The server did not answer. Try again in a minute.")), actions(button(_("Try again"), () => location.reload())));
    return;
  }
  issued = value;
  if (given.step === "make") showMake();
  else if (given.step === "keys") showKeys();
  else showOpen();
}

if (document.documentElement.classList.contains("able")) {
  comeBackEmpty(place, () => !isUnsaved);
  addEventListener("afterprint", removeSheets);
  addEventListener("beforeunload", (event) => {
    if (isUnsaved) event.preventDefault();
  });
  addTexts("registrar");
  void loadTexts().then(start);
}
