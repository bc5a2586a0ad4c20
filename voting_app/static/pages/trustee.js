// @ts-check
/**
 * A trustee's page: which step comes next, and the loop that every step goes through. The trustee chooses the key file;
 * the Worker computes; the changed file is saved and chosen again; only then what is public of it is sent.
 *
 * The page never sees what is in a key file: it hands files to the Worker and gets files to save. The token comes in
 * the link's fragment, stays in memory, and is sent in the Authorization header only.
 *
 * Before any step is shown, the published record is compared with what this device saw at earlier visits; where it was
 * changed or shortened, no key file can be chosen.
 */
import { Client } from "../booth/client.js";
import { remembersFrom } from "../booth/memory.js";
import { actions, button, code, facts, fingerprintBox, h, notice, show, words } from "./dom.js";
import { comeBackEmpty, keepPageInOtherLanguages } from "./frame.js";
import { _, addTexts, loadTexts, ngettext } from "./texts.js";
import { parseInbox, quorumOf, readProblem } from "./trustee-inbox.js";
import { note, readMemory } from "./trustee-store.js";
import { explainAct, explainClosedDoor, explainFault, explainQuorum, explainVisit, explainWaiting, isAboutLink, nameAct, nameTrustee } from "./trustee-words.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {import("../booth/memory.js").Memory} Memory */
/** @typedef {import("./trustee-inbox.js").Inbox} Inbox */
/** @typedef {import("./trustee-words.js").Part} Part */
/** @typedef {{ family?: string, rule?: string | null, message: string }} Fault */
/**
 * What the Worker tells about the sum before the key is applied to it.
 * @typedef {{ name: string, fingerprint: string, owner: number, owners: number, needed: number,
 *   drilledAt: number | null, ballots: number, counted: number,
 *   questions: string[] }} Sum
 */

const POLL_MS = 15_000;
const PATIENCE_MS = 60_000;
// Where fewer ballots count, the result may tell how somebody voted.
const FEW_BALLOTS = 5;

const place = /** @type {HTMLElement} */ (document.getElementById("view"));
// Of the link, which the trustee was given, and not of what the server answers.
const uuid = location.pathname.split("/")[2];
const api = `/api/v1/elections/${encodeURIComponent(uuid)}/trustee`;

let token = "";
/** The inbox, and its exact text for the Worker. @type {{ text: string, value: Inbox } | null} */
let inbox = null;
/** @type {Client | null} */
let worker = null;
/** One that has seen no key yet, ready for the next step: its program need not be fetched again. @type {Client | null} */
let spare = null;
/** Of the election for which the key was shown in the drill, as this device computed it. */
let fingerprint = "";
/** Whose part in opening the result this page has seen in the published record: the server's word is not enough. */
let seenOwner = 0;
/** What became of that part, where the server says that nothing is left to do. @type {Part} */
let part = "";
/** Of the verified record, at the drill. @type {{ needed: number, count: number } | null} */
let quorum = null;
/** What this visit told about the record and the visits before. */
let visit = { isCompared: false, isKept: false };
/** Draws what is shown, again when the language changes. @type {() => Child[]} */
let view = () => [];
/** @type {ReturnType<typeof setTimeout> | undefined} */
let poll;
/** Whether leaving now would lose a file that was not saved, or leave open whether something was sent. */
let isAtWork = false;

// --- drawing -------------------------------------------------------------------------------------------------------

/** @param {() => Child[]} drawn @param {boolean} [isNew] whether the reader shall be taken there */
function draw(drawn, isNew = true) {
  view = drawn;
  show(place, drawn(), false);
  if (!isNew) return;
  const heading = place.querySelector("h2") ?? place.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Which election, which trustee, which step of how many. @param {Inbox} box */
function head({ election_name: name, owner, trustees, name: person, kind, acts, act, number }) {
  const who = nameTrustee({ owner, name: person });
  return [
    h("p", { class: "kicker" }, words(name)),
    h("h1", {}, act ? nameAct(act, kind) : _("Trustee")),
    h("p", {}, _("You are %(who)s of %(count)s.", { who, count: trustees }), " ", act && _("Step %(number)s of %(count)s.", { number: number ?? 0, count: acts.length })),
    h(
      "ol",
      { class: "steps", "aria-label": _("Steps") },
      acts.map((one, index) => {
        const isDone = number === null || index + 1 < number;
        const mark = isDone && h("span", { class: "visually-hidden" }, ` (${_("done")})`);
        return h("li", { class: isDone ? "done" : null, "aria-current": index + 1 === number ? "step" : null }, nameAct(one, kind), mark);
      }),
    ),
  ];
}

/** @param {string} text */
function spinner(text) {
  return h("p", { class: "waiting", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), text);
}

/**
 * A field for a file. Choosing is enough: nothing else has to be pressed.
 * @param {string} label @param {string} hint @param {(file: File) => void} take
 */
function fileField(label, hint, take) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", { id: "file", type: "file", accept: ".json,application/json", "aria-describedby": "file-hint" })
  );
  input.addEventListener("change", () => {
    if (input.files?.length) take(input.files[0]);
  });
  return h("div", { class: "field" }, h("label", { for: "file" }, label), h("p", { class: "hint", id: "file-hint" }, hint), input);
}

/** @param {Fault} fault */
function faultNotice(fault) {
  const { title, advice, isSerious } = explainFault(fault);
  const box = notice(
    isSerious ? "danger" : "warning",
    title,
    h("p", {}, advice),
    fault.message && h("details", {}, h("summary", {}, _("What exactly")), h("p", { lang: "en", dir: "auto" }, fault.message)),
  );
  box.setAttribute("role", "alert");
  return box;
}

// --- the server ----------------------------------------------------------------------------------------------------

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<{ status: number, text: string, code: string }>} status 0: no answer came
 */
async function ask(path, options = {}) {
  try {
    const response = await fetch(path, {
      ...options,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { ...options.headers, Authorization: `Bearer ${token}`, Accept: "application/json" },
    });
    const text = await response.text();
    return { status: response.status, text, code: response.ok ? "" : readProblem(text, "code") };
  } catch {
    return { status: 0, text: "", code: "lost" };
  }
}

/** @returns {Promise<string>} "" or why not */
async function fetchInbox() {
  const { status, text, code: problem } = await ask(api);
  if (status !== 200) return problem || "unknown";
  const value = parseInbox(text, uuid);
  if (value === null) return "unknown";
  inbox = { text, value };
  return "";
}

// --- what was seen before ------------------------------------------------------------------------------------------

/**
 * @param {(memory: Memory | null) => Promise<Memory>} compare by the Worker; throws where the record does not go on from
 *   what this device saw before
 */
async function compareAndNote(compare) {
  visit = await note(uuid, compare);
}

/**
 * Shows the step that the inbox names, unless what was published before was changed.
 * @param {Child} [said] about the step before
 */
async function compareAndGoOn(said = null) {
  const mine = current();
  const comparer = newWorker();
  /** @type {Fault | null} */
  let fault = null;
  try {
    const { step, owner } = mine.value;
    const isOver = step === "wait-result" || step === "done";
    const isSeen = seenOwner === owner;
    await compareAndNote(async (memory) => {
      const found = await comparer.call("compare", { uuid, memory, owner: isOver && !isSeen ? owner : null });
      part = isOver && isSeen ? "seen" : (found.part ?? "");
      return found.seen;
    });
    if (part === "seen") seenOwner = owner;
  } catch (error) {
    fault = /** @type {Fault} */ (error);
  }
  // Meanwhile another link may have been opened here.
  const isCurrent = inbox === mine;
  if (fault || !isCurrent) comparer.close();
  if (!isCurrent) return;
  if (fault) {
    stopHere(fault);
    return;
  }
  goOn(said);
  if (mine.value.acts.includes(mine.value.step)) spare = comparer;
  else comparer.close();
}

/**
 * Nothing can be done here now: no file can be chosen. What was noted stays, and is shown to be compared with others.
 * @param {Fault} fault
 */
function stopHere({ family, rule, message }) {
  isAtWork = false;
  clearTimeout(poll);
  closeWorker();
  const { value } = current();
  const known = rule === "T9" ? readMemory(uuid) : null;
  draw(() => [
    h("p", { class: "kicker" }, words(value.election_name)),
    h("h1", {}, _("Trustee")),
    faultNotice({ family, rule, message }),
    known && [
      h("p", {}, _("What this device saw before stands here. Write it down or take a picture of it, and keep every copy of the published files that you or others have: they show what was there.")),
      facts([_("Journal, line %(number)s", { number: known.journal.height }), code(known.journal.head)]),
      known.box.map(({ height, head }) => facts([_("Ballot box, line %(number)s", { number: height }), code(head)])),
    ],
    actions(
      button(_("Look again"), () => void enter()),
      h("a", { class: "button quiet", href: `/elections/${uuid}` }, _("To the election's page")),
    ),
  ]);
}

/** At the end of a view: what the device can tell of earlier visits. */
function visitNote() {
  return h("p", { class: "muted" }, explainVisit(visit));
}

// --- coming in -----------------------------------------------------------------------------------------------------

/** @param {string} text a token, or a whole link with it */
function takeToken(text) {
  token = text.slice(text.lastIndexOf("#") + 1).trim();
  try {
    token = decodeURIComponent(token).trim();
  } catch {
    // Escapes that stand for no text: the server says that this is no link of a trustee.
  }
}

/** @param {string} [problem] */
function askForToken(problem) {
  clearTimeout(poll);
  inbox = null;
  draw(() => {
    const input = /** @type {HTMLInputElement} */ (
      h("input", {
        id: "token",
        class: "code-input",
        type: "text",
        autocomplete: "off",
        autocapitalize: "off",
        autocorrect: "off",
        spellcheck: "false",
        "aria-describedby": "token-hint",
      })
    );
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      takeToken(input.value);
      input.value = "";
      if (token) void enter();
      else input.focus();
    };
    const sentences = problem ? explainClosedDoor(problem) : null;
    const box = sentences && notice("warning", sentences.title, h("p", {}, sentences.advice));
    box?.setAttribute("role", "alert");
    return [
      h("h1", {}, _("Trustee")),
      box,
      h("p", { class: "lead" }, _("You hold a key with which the result of an election is opened. Your key is made on your own device and stays there.")),
      h(
        "form",
        { novalidate: true, onsubmit: submit },
        h(
          "div",
          { class: "field" },
          h("label", { for: "token" }, _("Your trustee link")),
          h("p", { class: "hint", id: "token-hint" }, _("Paste the whole link that you were given as a trustee, or the part of it after #.")),
          input,
        ),
        actions(h("button", {}, _("Continue"))),
      ),
    ];
  });
}

async function enter() {
  clearTimeout(poll);
  draw(() => [h("h1", {}, _("Trustee")), spinner(_("Asking what comes next …"))]);
  await askWhatIsNext();
}

/** @param {Child} [said] about the step before */
async function askWhatIsNext(said = null) {
  const problem = await fetchInbox();
  if (!problem) await compareAndGoOn(said);
  else if (!said && isAboutLink(problem)) askForToken(problem);
  else showClosedDoor(problem, said);
}

/** @param {string} problem @param {Child} said */
function showClosedDoor(problem, said) {
  isAtWork = false;
  const { title, advice } = explainClosedDoor(problem);
  draw(() => [
    h("h1", {}, _("Trustee")),
    said,
    alertBox("warning", title, h("p", {}, advice)),
    actions(button(_("Try again"), () => void enter())),
  ]);
}

/** Something that nobody has thought of: it must not look as if it were still at work. */
function showBroken() {
  if (!place.querySelector(".waiting, progress")) return;
  isAtWork = false;
  closeWorker();
  draw(() => [
    h("h1", {}, _("Trustee")),
    faultNotice({ message: "" }),
    actions(button(_("Try again"), () => void enter())),
  ]);
}

/** Shows the step that the inbox names. @param {Child} [said] about the step before */
function goOn(said = null) {
  isAtWork = false;
  closeWorker();
  const { value } = current();
  if (value.acts.includes(value.step)) chooseFile(said);
  else wait(said);
}

function current() {
  if (inbox === null) throw new Error("no inbox");
  return inbox;
}

// --- waiting -------------------------------------------------------------------------------------------------------

/** @param {Child} [said] @param {boolean} [isNew] */
function wait(said = null, isNew = true) {
  const { value, text } = current();
  draw(() => {
    const { title, advice } = explainWaiting(value, part);
    return [
      head(value),
      said,
      part === "missing" && alertBox("danger", _("The server says that you are done, and the published record does not.")),
      h("h2", {}, title),
      value.awaited.length > 0 && h("p", {}, _("Awaited:"), " ", awaited(value)),
      h("p", {}, advice),
      value.step === "wait-close" && visit.isKept && h("p", {}, _("Open your link now and then while people vote: so your device notices if something that was published is taken back.")),
      actions(
        (value.step !== "done" || part === "missing") && button(_("Look again"), () => void lookAgain(text, true)),
        h("a", { class: "button quiet", href: `/elections/${uuid}` }, _("To the election's page")),
      ),
      visitNote(),
    ];
  }, isNew);
  if (value.step !== "done") schedule();
}

/** @param {Inbox} value @returns {Child[]} */
function awaited(value) {
  return value.awaited.flatMap((trustee, index) => [index > 0 && ", ", words(nameTrustee(trustee))]);
}

function schedule() {
  clearTimeout(poll);
  const before = current().text;
  poll = setTimeout(() => {
    if (document.visibilityState === "visible") void lookAgain(before, false);
    else schedule();
  }, POLL_MS);
}

/** @param {string} before the inbox's text as it is shown @param {boolean} isAsked by the reader */
async function lookAgain(before, isAsked) {
  clearTimeout(poll);
  const problem = await fetchInbox();
  if (inbox === null) return;
  if (isAboutLink(problem)) askForToken(problem);
  else if (problem && isAsked) {
    const { title, advice } = explainClosedDoor(problem);
    wait(notice("warning", title, h("p", {}, advice)));
  } else if (inbox.text !== before) await compareAndGoOn();
  else if (isAsked) await compareAndGoOn(h("p", { role: "status" }, _("Nothing has changed yet.")));
  else schedule();
}

// --- a step: choose, compute, save, choose again, send -------------------------------------------------------------

/** @param {Child} [said] */
function chooseFile(said = null) {
  isAtWork = false;
  clearTimeout(poll);
  const { value } = current();
  const isFirst = value.step === value.acts[0];
  const begin = (/** @type {File | null} */ file) => {
    if (value.step === "decryption" && file) void openTally(file);
    else void compute(file);
  };
  draw(() => [
    head(value),
    said,
    h("h2", {}, isFirst ? _("Begin") : _("Choose your key file")),
    h("p", {}, explainAct(value.step, value.kind)),
    isFirst && quorumLine(quorumOf(value)),
    isFirst && actions(button(_("Make a new key"), () => begin(null))),
    isFirst && h("p", { class: "muted" }, _("If you have made your key in this ceremony already, and only its file is left of it:")),
    fileField(_("Your key file"), _("The file that you saved last. It is read on your device only and never sent."), begin),
    visitNote(),
  ]);
}

/** To be compared with what the trustees agreed on. @param {{ needed: number, count: number }} shown */
function quorumLine(shown) {
  const sentence = shown.count === 1 ? null : _("If that is not what was agreed, stop here and tell the other trustees.");
  return h("p", {}, h("strong", {}, explainQuorum(shown)), sentence && ` ${sentence}`);
}

function newWorker() {
  return new Client(new URL("../booth/trusteeWorker.js", import.meta.url));
}

/** A fresh Worker: nothing of an earlier attempt is left in it. */
function renewWorker() {
  const next = spare ?? newWorker();
  spare = null;
  closeWorker();
  worker = next;
  return next;
}

function closeWorker() {
  worker?.close();
  spare?.close();
  worker = spare = null;
}

/** @param {string} text @param {string} heading */
function showWork(heading, text) {
  const { value } = current();
  draw(() => [head(value), h("h2", {}, heading), spinner(text)]);
}

/** @param {unknown} error */
function giveUp(error) {
  closeWorker();
  const { family, rule, message } = /** @type {Fault} */ (error);
  if (rule === "T9") stopHere({ family, rule, message });
  else chooseFile(faultNotice({ family, rule, message }));
}

/** @param {File | null} file */
async function compute(file) {
  showWork(_("Your device computes"), _("One moment …"));
  try {
    const { text } = current();
    const client = renewWorker();
    /** @type {any} */
    let made = null;
    await compareAndNote(async (memory) => {
      made = await client.call("begin", { inbox: text, file, uuid, memory });
      return made.seen;
    });
    fingerprint = made.fingerprint ?? "";
    quorum = made.quorum ?? null;
    settle(made);
  } catch (error) {
    giveUp(error);
  }
}

/** @param {{ file: Blob | null, body: string | null }} made */
function settle({ file, body }) {
  if (file) saveFile(file);
  else if (body !== null) void send(body);
}

/** @param {Blob} file @param {Fault} [fault] */
function saveFile(file, fault) {
  isAtWork = true;
  const { value } = current();
  const name = `trustee-${value.owner}-${uuid}.step-${value.number}.json`;
  const address = URL.createObjectURL(file);
  const confirm = async (/** @type {File} */ chosen) => {
    try {
      const { body } = await /** @type {Client} */ (worker).call("confirm", { file: chosen });
      URL.revokeObjectURL(address);
      void send(body);
    } catch (error) {
      const { family, rule, message } = /** @type {Fault} */ (error);
      if (family === "Refusal") saveFile(file, { family, rule, message });
      else giveUp(error);
    }
  };
  draw(() => [
    head(value),
    fault && faultNotice(fault),
    h("h2", {}, _("Save your key file")),
    h("p", {}, _("This file is your key, as it is from this step on. Keep it and a copy in safe places, where nobody else can read them. Then destroy the older files of this election and their copies: they do not know what they have to refuse.")),
    value.number === 1 && quorumLine(quorumOf(value)),
    actions(h("a", { class: "button", download: name, href: address }, _("Save the file"))),
    h("p", { class: "small" }, h("code", {}, name)),
    h("h3", {}, _("Then choose the file that you saved")),
    fileField(_("The saved file"), _("So nothing is sent before your key is safely in a file."), (chosen) => void confirm(chosen)),
  ]);
}

/**
 * Sends what is public. Whoever sends twice does no harm: the server takes each step once.
 * @param {string} body
 * @param {boolean} [isAgain] an earlier attempt may have arrived
 */
async function send(body, isAgain = false) {
  isAtWork = true;
  const { value } = current();
  const { step, kind } = value;
  showWork(_("Sending"), _("Your key stays here; only what is public is sent."));
  const answer = await ask(`${api}/${step}`, { method: "POST", body, headers: { "Content-Type": "application/json" } });
  if (answer.status === 200) {
    await finish(step, kind, true);
    return;
  }
  if (answer.status === 0 || answer.status >= 500) {
    draw(() => [
      head(value),
      h("h2", {}, _("It is not known whether it arrived")),
      notice("warning", _("The server could not be reached."), h("p", {}, _("Your key file is saved. Send again: if it has arrived already, nothing is done twice."))),
      actions(button(_("Send again"), () => void send(body, true))),
    ]);
    return;
  }
  if (isAboutLink(answer.code)) {
    isAtWork = false;
    askForToken(answer.code);
    return;
  }
  const problem = await fetchInbox();
  if (!problem && isStartedAnew(step)) {
    await compareAndGoOn(
      alertBox("warning", _("The committee has started the making of the keys anew."), h("p", {}, _("Nothing was sent now. Begin with a new key, and destroy your older key files of this election."))),
    );
    return;
  }
  if (!problem && current().value.step !== step) {
    await finish(step, kind, isAgain);
    return;
  }
  const title = readProblem(answer.text, "title");
  if (answer.code === "commitment-used") {
    giveUp({ family: "Refusal", rule: "used", message: title });
    return;
  }
  isAtWork = false;
  chooseFile(
    alertBox("danger", _("The server did not accept it."), h("p", {}, _("Your key file is saved. Tell the election committee what you see here.")), h("p", { lang: "en", dir: "auto" }, title)),
  );
}

/** @param {"warning" | "danger"} kind @param {string} title @param {...Child} children */
function alertBox(kind, title, ...children) {
  const box = notice(kind, title, ...children);
  box.setAttribute("role", "alert");
  return box;
}

/** Whether the server now asks for something that comes before this step. @param {string} step */
function isStartedAnew(step) {
  const { acts, act, step: wanted } = current().value;
  return act !== null && wanted !== step && acts.indexOf(act) <= acts.indexOf(step);
}

/** The server has this step. @param {string} step @param {string} kind @param {boolean} isOurs */
async function finish(step, kind, isOurs) {
  if (step === "decryption" && isOurs && worker) {
    await lookForDecryption();
    return;
  }
  const title = _("Done: %(step)s", { step: nameAct(step, kind) });
  await askWhatIsNext(
    isOurs
      ? notice("good", title, step === "drill" && fingerprint && compareFingerprint())
      : alertBox("warning", _("This step was done already, from another tab or another computer."), h("p", {}, _("Nothing was sent now. Go on with the key file that was saved there, not with the one that was just made here."))),
  );
}

/** A server could show another election to each trustee; only they themselves can find that out. */
function compareFingerprint() {
  return [
    h("p", {}, _("Write down these eight words of the election, and compare them with the other trustees and the sheets of the voters. If they see others, tell the election committee at once: then the voting must not open.")),
    h("p", {}, fingerprintBox(fingerprint)),
    quorum && quorumLine(quorum),
  ];
}

// --- the tally -----------------------------------------------------------------------------------------------------

/**
 * A line that shows how far the Worker is, and how long it will still take.
 * @param {string} heading
 * @param {string} text
 */
function showProgress(heading, text) {
  const { value } = current();
  const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: 1, "aria-label": heading }));
  const left = h("p", { class: "muted" });
  const started = performance.now();
  draw(() => [head(value), h("h2", {}, heading), h("p", { role: "status" }, text), bar, left]);
  return (/** @type {number} */ done, /** @type {number} */ total) => {
    bar.value = done / total;
    const seconds = Math.round(((performance.now() - started) / 1000) * (total / done - 1));
    left.textContent =
      seconds > 90
        ? ngettext("About %(num)s minute left.", "About %(num)s minutes left.", Math.round(seconds / 60))
        : ngettext("About %(num)s second left.", "About %(num)s seconds left.", seconds);
  };
}

/** @param {File} file */
async function openTally(file) {
  isAtWork = false;
  try {
    const client = renewWorker();
    const onBytes = showProgress(_("Fetching the ballot box"), _("Your device fetches everything that is published about the election, and checks how it hangs together."));
    await client.call("read", { uuid, file, memory: readMemory(uuid) }, onBytes);
    const onBallots = showProgress(_("Checking every ballot"), _("Your device checks every signature and every proof in the ballot box, and adds the encrypted ballots up."));
    const sum = await client.call("verify", {}, onBallots);
    // Not before: a box that is not sound is nothing to hold the next one to.
    await compareAndNote(async (memory) => (await client.call("compareAgain", { memory })).seen);
    askBeforeOpening(sum);
  } catch (error) {
    giveUp(error);
  }
}

/** @param {Sum} sum */
function askBeforeOpening(sum) {
  const { value } = current();
  draw(() => [
    head(value),
    h("h2", {}, _("Everything is right. Open this sum?")),
    h("p", {}, _("Your device has checked the whole ballot box and computed the sum itself; it is the published one. Compare the eight words with your own notes.")),
    facts(
      [_("Election"), words(sum.name)],
      [_("Fingerprint"), fingerprintBox(sum.fingerprint)],
      [_("Needed"), explainQuorum({ needed: sum.needed, count: sum.owners })],
      [_("Ballots in the box"), String(sum.ballots)],
      [_("Ballots that count"), String(sum.counted)],
      [_("You are"), _("%(who)s of %(count)s", { who: nameTrustee({ owner: sum.owner, name: value.name }), count: sum.owners })],
      [_("To be opened: the sums of"), h("ul", {}, sum.questions.map((question) => h("li", {}, words(question))))],
    ),
    !remembersFrom(readMemory(uuid), sum.drilledAt) &&
      notice(
        "warning",
        _("This device remembers nothing from the time when you showed your key."),
        h("p", {}, _("So it cannot notice that ballots were left out since. If you showed your key on another device, use that one. If it was this one, its memory was erased: by you, by the browser, or by the server. Then compare the number of ballots with the other trustees and the observers before you open the sum.")),
      ),
    sum.counted < FEW_BALLOTS &&
      notice("warning", _("So few ballots count that the result may tell how a person voted."), h("p", {}, _("Speak with the other trustees before you open it."))),
    actions(
      button(_("Use my key"), () => void decrypt()),
      button(_("Not now"), () => chooseFile(), "quiet"),
    ),
  ]);
}

async function decrypt() {
  showWork(_("Your device computes"), _("One moment …"));
  try {
    const client = /** @type {Client} */ (worker);
    // Another tab may have seen another record since the sum was shown.
    await compareAndNote(async (memory) => (await client.call("compareAgain", { memory })).seen);
    settle(await client.call("decrypt"));
  } catch (error) {
    giveUp(error);
  }
}

/** Done is only what stands in the published record. */
async function lookForDecryption() {
  const { value } = current();
  isAtWork = false;
  showWork(_("Looking for it in the published record"), _("One moment …"));
  try {
    await /** @type {Client} */ (worker).call("look");
  } catch (error) {
    const { family, rule, message } = /** @type {Fault} */ (error);
    draw(() => [
      head(value),
      h("h2", {}, _("Sent, but not yet seen")),
      faultNotice({ family, rule: rule === "no-connection" ? rule : "not-published", message }),
      actions(button(_("Look again"), () => void lookForDecryption())),
    ]);
    return;
  }
  seenOwner = value.owner;
  await askWhatIsNext(
    notice("good", _("Your part stands in the published record."), h("p", {}, _("Your device has seen it there, in the ballot box and in the journal. Keep your key file until the result is certified."))),
  );
}

// --- the window ----------------------------------------------------------------------------------------------------

/** @param {string} fragment */
function arrive(fragment) {
  takeToken(fragment);
  if (token) void enter();
  else askForToken();
}

function listen() {
  keepPageInOtherLanguages(() => _("Trustee"), () => draw(view, false));

  // A key file that was not saved yet is in the Worker's memory only.
  comeBackEmpty(place, () => !isAtWork);

  // The second click of a double click was meant for the view before.
  place.addEventListener("click", (event) => {
    if (event.detail > 1 && /** @type {Element} */ (event.target).closest("button")) event.stopPropagation();
  }, { capture: true });

  for (const kind of ["error", "unhandledrejection"]) addEventListener(kind, showBroken);

  addEventListener("beforeunload", (event) => {
    if (isAtWork) event.preventDefault();
  });

  document.addEventListener("visibilitychange", () => {
    const isWaiting = inbox !== null && !inbox.value.acts.includes(inbox.value.step);
    if (document.visibilityState === "visible" && isWaiting && !isAtWork) void lookAgain(current().text, false);
  });
}

const takeFragments = /** @type {any} */ (globalThis).takeFragments;
// Without it support.js has said why nothing can be done here.
if (takeFragments) {
  listen();
  addTexts("trustees");
  void loadTexts().then(() => {
    arrive(
      takeFragments((/** @type {string} */ fragment) => {
        if (!isAtWork) arrive(fragment);
      }),
    );
  });
}
