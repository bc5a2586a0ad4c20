// @ts-check
/** What the booth shows in each state. Everything here is drawn from state and facts; nothing is decided here. */
import { describeMoment, describeOwnMoment } from "./dates.js";
import { actions, button, code, facts, fingerprintBox, h, notice, words } from "./dom.js";
import { drawMarkup } from "./markup-view.js";
import { drawCode } from "./qr.js";
import { _, ngettext } from "./texts.js";
import { findChoiceFault, isSingle, orderAnswers } from "./vote-state.js";

/** @typedef {import("./vote-state.js").State} State */
/** @typedef {import("./vote-state.js").Choice} Choice */
/** @typedef {import("./dom.js").Child} Child */
/** @typedef {{ language: string, name: string, description: string, questions: { question: string, answers: string[] }[] }} Texts */
/** @typedef {import("../booth/presentation.js").Candidate} Candidate */
/**
 * What was fetched. election: of the Worker's "prepare"; status: of /status; null until they are there.
 * @typedef {object} Facts
 * @property {string} uuid
 * @property {string} language of the reader
 * @property {{ fingerprint: string, texts: Texts[], record: { serviceKey: string, revotes: boolean } | null, isTest?: boolean, orders?: string[] | null, candidates?: Candidate[][] | null } | null} election
 * @property {import("./vote-server.js").Status | null} status
 * @property {number} needed trustees, to open anything: of the Worker's "checkTrustees"; 0 until it has verified them
 * @property {string} codesBy "registrar" or "server", as the page says, whose hash stands in the journal
 * @property {boolean} isNamed whether the link named the fingerprint, and it was the right one
 */
/** @typedef {(type: string, values?: object) => void} Act */
/** @typedef {{ state: State, facts: Facts, act: Act, tools: Tools }} Scene */
/**
 * What vote.js does at a click that is no event of the state.
 * @typedef {object} Tools
 * @property {(typed: string) => void} enter
 * @property {() => void} save
 * @property {(text: string, place: HTMLElement) => void} copy
 * @property {() => void} remove the receipt that is shown from this device
 * @property {() => void} removeAll receipts
 * @property {(tracker: string) => void} pick a receipt that this device keeps
 * @property {() => void} useAnother code than the one of what is shown
 */

/**
 * The election's texts in the reader's language, or as another country writes it, or in the election's own.
 * @param {Pick<Facts, "election" | "language">} facts_
 * @returns {Texts}
 */
export function chooseTexts({ election, language }) {
  const texts = election?.texts ?? [];
  const primary = (/** @type {string} */ tag) => tag.split("-")[0];
  return (
    texts.find((one) => one.language === language) ??
    texts.find((one) => primary(one.language) === primary(language)) ??
    texts[0]
  );
}

/** @param {string} label @param {string} tracker */
function trackerBox(label, tracker) {
  return h("div", { class: "tracker" }, h("p", { class: "name" }, label), code(tracker));
}

/** @param {string} uuid @param {string} [page] @param {string} [language] */
function address(uuid, page = "", language = "") {
  const query = language ? `?lang=${language}` : "";
  return `/elections/${uuid}${page}${query}`;
}

/** @param {number} now from 1 on */
function steps(now) {
  const names = [_("Choose"), _("Review"), _("Cast")];
  return h(
    "ol",
    { class: "steps", "aria-label": _("Steps") },
    names.map((name, index) => {
      const number = index + 1;
      const done = number < now && h("span", { class: "visually-hidden" }, ` (${_("done")})`);
      return h("li", { "aria-current": number === now ? "step" : null, class: number < now ? "done" : null }, name, done);
    }),
  );
}

/** @param {Facts} facts_ */
function closing({ status, language }) {
  if (!status) return null;
  const own = describeOwnMoment(status.closes_at, status.time_zone, language);
  return [
    h("p", {}, _("Voting closes: %(time)s", { time: describeMoment(status.closes_at, status.time_zone, language) })),
    own && h("p", { class: "small muted" }, _("On this device's clock: %(time)s", { time: own })),
    // The committee may move it, so the fingerprint cannot cover it; and who runs the server could sign any time.
    h("p", { class: "small muted" }, _("This is what the server says now. If your sheet or letter names an earlier time, vote before that one.")),
  ];
}

/**
 * Whether a later ballot replaces an earlier one, as the election data say, which the fingerprint covers; otherwise votes
 * are final.
 * @param {Pick<Facts, "election">} facts_
 */
export function mayRevote({ election }) {
  return election?.record?.revotes === true;
}

/** Said before a vote is cast, and before it is begun. @param {Facts} facts_ */
function finality(facts_) {
  return mayRevote(facts_)
    ? _("You may vote again until voting closes; the last ballot counts.")
    : _("Your vote is final: once cast, it cannot be changed.");
}

/** @param {Scene} scene */
function otherBallot({ state, facts: facts_ }) {
  if (!state.tracker) return null;
  return notice(
    "info",
    _("A ballot of yours is in the ballot box already."),
    h("p", {}, mayRevote(facts_) ? _("If you cast another one, it replaces the earlier one.") : _("Votes are final, so no other ballot of yours will be taken.")),
    trackerBox(_("Its tracker"), state.tracker),
    h("p", {}, _("If it was not you who cast it, tell the election committee at once.")),
  );
}

/** A ballot that this device was sending, and that another one of the same voter has overtaken. @param {Scene} scene */
function unsentBallot({ state, facts: facts_ }) {
  const { unsent, tracker } = state;
  if (!unsent) return null;
  const isOpen = facts_.status?.state === "open";
  return notice(
    "warning",
    _("The ballot that this device was sending does not count."),
    h("p", {}, _("Another ballot, cast with the same code from somewhere else, is in the ballot box instead.")),
    mayRevote(facts_) && isOpen && h("p", {}, _("If you want other choices to count, vote again: the last ballot counts.")),
    trackerBox(_("Tracker of the ballot that does not count"), unsent),
    // Elsewhere on the page it stands with an explanation of its own.
    ["code", "receipt"].includes(state.view) && tracker && trackerBox(_("Tracker of the ballot in the ballot box"), tracker),
    ["code", "receipt"].includes(state.view) && h("p", {}, _("If it was not you who cast it, tell the election committee at once.")),
  );
}

/** The receipts of this device, where nobody knows whose this reader is. @param {Scene} scene */
function shelf({ state, tools }) {
  if (!state.shelf.length) return null;
  return h(
    "section",
    { class: "no-print" },
    h("h2", {}, _("Receipts that this device keeps")),
    h("p", {}, _("Yours is the one with your tracker. Your link or your code leads to it as well. No receipt tells who voted, or how.")),
    state.shelf.map((tracker) =>
      h(
        "div",
        { class: "tracker" },
        h("p", {}, code(tracker)),
        h("button", { type: "button", class: "link", onclick: () => tools.pick(tracker) },
          _("Show this receipt"), h("span", { class: "visually-hidden" }, ` ${tracker.slice(0, 4)}`)),
      ),
    ),
    h("p", { class: "muted" }, _("Whoever uses this device can see them. When they are removed, the ballots still count, but who has no other copy can no longer prove it.")),
    h("p", {}, button(_("Remove all receipts from this device"), tools.removeAll, "quiet")),
  );
}

/** @returns {Child[]} */
function opening() {
  return [h("h1", {}, _("One moment")), waiting(_("Checking that everything is as it should be …"))];
}

/** @param {string} text */
function waiting(text) {
  return h("p", { class: "waiting", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), text);
}

/** @param {Scene} scene @returns {Child[]} */
function typing(scene) {
  const { state, facts: facts_, tools } = scene;
  const texts = chooseTexts(facts_);
  const error = describeCodeFault(state.codeFault);
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "code",
      class: "code-input",
      type: "text",
      autocomplete: "off",
      autocapitalize: "off",
      autocorrect: "off",
      spellcheck: "false",
      enterkeyhint: "go",
      placeholder: "XXXXX-XXXXXX-XXXXX-XXXXXX",
      "aria-describedby": error ? "code-error code-hint" : "code-hint",
      "aria-invalid": error ? "true" : null,
      onkeydown: (event) => {
        if (/** @type {KeyboardEvent} */ (event).key === "Enter") enter();
      },
    })
  );
  const enter = () => {
    const typed = input.value;
    input.value = "";
    tools.enter(typed);
  };
  // No form and no name: there is nothing that a browser could send or remember.
  return [
    h("h1", {}, words(texts.name, texts.language)),
    texts.description && drawMarkup(texts.description, texts.language, "lead"),
    unsentBallot(scene),
    h("h2", {}, _("Your voting code")),
    h(
      "div",
      { class: "field" },
      h("label", { for: "code" }, _("Voting code")),
      h("p", { class: "hint", id: "code-hint" }, _("22 letters and digits, from your sheet or letter. Dashes and spaces do not matter; capital and small letters do. The digit 0, the capitals O and I and the small l are never used, because they look like others.")),
      error && h("p", { class: "error", id: "code-error", role: "alert" }, error),
      input,
    ),
    actions(button(_("Continue"), enter)),
    h("p", { class: "muted" }, _("The code stays on this device. Scanning the sheet or opening your link types it for you.")),
    shelf(scene),
  ];
}

/** @param {import("./vote-state.js").CodeFault | null} fault */
function describeCodeFault(fault) {
  if (fault === null) return null;
  if (fault.wrong === "link") return _("Your link is not complete. Open it once more, or type the code.");
  if (fault.wrong === "length") {
    return ngettext("A code has 22 characters, this one has %(num)s.", "A code has 22 characters, this one has %(num)s.", fault.length);
  }
  return _("These characters never stand in a code: %(characters)s", { characters: fault.characters.join(" ") });
}

/** @param {Scene} scene @returns {Child[]} */
function intro(scene) {
  const { state, facts: facts_, act } = scene;
  const texts = chooseTexts(facts_);
  const { needed, codesBy } = facts_;
  return [
    h("h1", {}, words(texts.name, texts.language)),
    texts.description && drawMarkup(texts.description, texts.language, "lead"),
    unsentBallot(scene),
    otherBallot(scene),
    h(
      "div",
      { class: "card" },
      h("p", {}, h("span", { class: "badge good" }, _("Open"))),
      closing(facts_),
      h("p", {}, finality(facts_)),
    ),
    actions(button(_("Begin"), () => act("begin"))),
    h("h2", {}, _("What you are asked")),
    h("ol", {}, texts.questions.map(({ question }) => h("li", { dir: "auto", lang: texts.language || null }, question))),
    h("h2", {}, _("Who can see what")),
    h(
      "ul",
      {},
      h("li", {}, needed > 1
        ? _("Nobody sees how you vote: your ballot is encrypted on this device. Only the sum of all ballots is ever opened, by several trustees together.")
        : _("Your ballot is encrypted on this device. Only the sum of all ballots should ever be opened: one trustee alone holds the key and has to be trusted with that.")),
      h("li", {}, _("Everybody can see the encrypted ballots and their trackers, but not whose they are.")),
      h("li", {}, codesBy === "registrar"
        ? _("The registrar, who made the voting codes, can find out whether you have voted, but not how.")
        : _("The server made the voting codes. Whoever runs it can find out whether you have voted, but not how, and has to be trusted not to vote in your place.")),
      h("li", {}, _("Whoever stands beside you, or controls this device, sees what you choose. Vote where you are undisturbed.")),
      h("li", {}, _("Your browser's history may keep the link that you open, and your code with it. On a device that others use, type the code instead, or use a private window.")),
    ),
    h("h2", {}, _("Is this the right election?")),
    facts_.isNamed
      ? h("p", {}, _("Yes: its fingerprint is the one that your link names."))
      : h("p", {}, _("Compare these eight words with those on your sheet. If they differ, do not vote, and tell the election committee.")),
    facts_.election && h("p", {}, fingerprintBox(facts_.election.fingerprint)),
    state.receipt && h("p", {}, button(_("Show the receipt that this device keeps"), () => act("keep", { receipt: state.receipt }), "link")),
  ];
}

/** What may be chosen, in a sentence. @param {import("./vote-state.js").Rules} rules */
function describeRule({ minimum, maximum, answers }) {
  if (maximum === 1) return minimum === 1 ? _("Choose one.") : _("Choose one, or nothing.");
  if (minimum === maximum) return ngettext("Choose %(num)s.", "Choose %(num)s.", minimum);
  if (minimum === 0) {
    return maximum >= answers ? _("Choose as many as you like, or none.") : ngettext("Choose up to %(num)s, or none.", "Choose up to %(num)s, or none.", maximum);
  }
  return _("Choose at least %(minimum)s and at most %(maximum)s.", { minimum, maximum });
}

/** @param {import("./vote-state.js").ChoiceFault} fault @param {import("./vote-state.js").Rules} rules */
function describeChoiceFault(fault, { minimum, maximum, blank }) {
  if (!fault) return null;
  if (fault.fault === "many") {
    return ngettext(
      "You have chosen more than is allowed: %(num)s at most. Take some back.",
      "You have chosen more than is allowed: %(num)s at most. Take some back.",
      maximum,
    );
  }
  if (fault.fault === "few") {
    return ngettext("Choose %(num)s more.", "Choose %(num)s more.", minimum - fault.chosen);
  }
  return blank ? _("Choose something, or vote blank.") : _("Choose something first.");
}

/**
 * What is shown beside an answer: the candidate's photo in the label, larger in the details with the statement.
 * @param {Candidate | undefined} candidate
 * @param {string} name
 * @param {Facts} facts_
 */
function describeCandidate(candidate, name, facts_) {
  const { photo = "", statements = {} } = candidate ?? {};
  const own = facts_.election?.texts[0].language ?? "";
  const language = [chooseTexts(facts_).language, own, ...Object.keys(statements)].find((tag) => tag in statements);
  if (!photo && language === undefined) return { image: null, more: null };
  return {
    image: photo && h("img", { class: "photo", alt: "", "data-photo": photo }),
    more: h(
      "details",
      {},
      h("summary", {}, language === undefined ? _("Photo") : _("Statement"), h("span", { class: "visually-hidden" }, `: ${name}`)),
      photo && h("img", { class: "portrait", alt: name, "data-photo": photo }),
      language !== undefined && drawMarkup(statements[language], language),
    ),
  };
}

/** @param {Scene} scene @returns {Child[]} */
function choosing(scene) {
  const { state, facts: facts_, act } = scene;
  const texts = chooseTexts(facts_);
  const number = state.question;
  const rules = state.rules[number];
  const choice = state.choices[number];
  const { question: title, answers } = texts.questions[number];
  const single = isSingle(rules);
  const error = describeChoiceFault(state.fault, rules);
  const isRotated = facts_.election?.orders?.[number] === "rotated";
  /** @param {Child} label @param {boolean} checked @param {number | "blank" | "nothing"} touched @param {boolean} [isExtra] @param {Child} [more] */
  const option = (label, checked, touched, isExtra = false, more = null) => {
    const input = /** @type {HTMLInputElement} */ (
      h("input", {
        type: single ? "radio" : "checkbox",
        // A name makes arrow keys work; nothing is ever submitted.
        name: "choice",
        id: `choice-${touched}`,
        onchange: () => act("touch", { touched }),
      })
    );
    input.checked = checked;
    return h("li", {}, h("label", { class: isExtra ? "blank" : null }, input, label), more);
  };
  /** @param {number} place */
  const answer = (place) => {
    const { image, more } = describeCandidate(facts_.election?.candidates?.[number]?.[place], answers[place], facts_);
    return option([image, words(answers[place], texts.language)], chosen.includes(place), place, false, more);
  };
  const isBlank = choice === "blank";
  const chosen = Array.isArray(choice) ? choice : [];
  const isLast = number + 1 === state.rules.length || state.isChanging;
  return [
    steps(1),
    state.rules.length > 1 && h("p", { class: "kicker" }, _("Question %(number)s of %(total)s", { number: number + 1, total: state.rules.length })),
    h(
      "fieldset",
      { "aria-describedby": ["choice-rule", isRotated && "choice-order", error && "choice-error"].filter(Boolean).join(" ") },
      h("legend", {}, h("h1", {}, words(title, texts.language))),
      h("p", { class: "rule", id: "choice-rule" }, describeRule(rules)),
      isRotated && h("p", { class: "small muted", id: "choice-order" }, _("Chance decides on this device which one is the first, so that nobody's place is better.")),
      error && h("p", { class: "error", id: "choice-error", role: "alert" }, error),
      h(
        "ul",
        { class: "choices" },
        orderAnswers(rules).map(answer),
        single && rules.minimum === 0 && option(_("None of these"), choice !== null && !isBlank && !chosen.length, "nothing", true),
        rules.blank && option(_("Blank vote: I take part, and choose nobody and nothing"), isBlank, "blank", true),
      ),
    ),
    actions(
      button(isLast ? _("Review your choices") : _("Next question"), () => act("goOn")),
      button(_("Back"), () => act("goBack"), "quiet"),
    ),
  ];
}

/** What was chosen, in words. @param {Texts} texts @param {number} number @param {Choice | undefined} choice @param {number} [first] that the reader was shown */
export function describeChoice(texts, number, choice, first = 0) {
  if (choice === "blank") return h("p", { class: "answers" }, _("Blank vote"));
  if (!choice?.length) return h("p", { class: "answers" }, _("Nothing chosen"));
  const order = orderAnswers({ answers: texts.questions[number].answers.length, first }).filter((place) => choice.includes(place));
  return h("ul", { class: "answers" }, order.map((place) => h("li", {}, words(texts.questions[number].answers[place], texts.language))));
}

/** @param {Scene} scene @returns {Child[]} */
function review(scene) {
  const { state, facts: facts_, act } = scene;
  const texts = chooseTexts(facts_);
  const isWhole = state.rules.every((rules, number) => !findChoiceFault(rules, state.choices[number]));
  return [
    steps(2),
    h("h1", {}, _("Are these your choices?")),
    texts.questions.map(({ question: title }, number) =>
      h(
        "section",
        { class: "card answered" },
        h("h2", { class: "card-title" }, words(title, texts.language)),
        describeChoice(texts, number, state.choices[number], state.rules[number].first),
        h("div", { class: "button-row" }, h("button", { type: "button", class: "link", onclick: () => act("change", { question: number }) },
          _("Change"), h("span", { class: "visually-hidden" }, `: ${title}`))),
      ),
    ),
    otherBallot(scene),
    h("p", {}, finality(facts_)),
    h("p", {}, _("Next your choices are encrypted on this device. Nothing is sent yet.")),
    actions(isWhole && button(_("Encrypt my ballot"), () => act("encrypt")), button(_("Back"), () => act("goBack"), "quiet")),
  ];
}

/** @param {Scene} scene @returns {Child[]} */
function encrypting(scene) {
  const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: 1, id: "progress", "aria-label": _("Encrypting") }));
  bar.value = scene.state.progress;
  return [
    steps(3),
    h("h1", {}, _("Encrypting your ballot …")),
    bar,
    h("p", { role: "status" }, _("This happens on your device and takes a few seconds on older ones. Nothing is sent yet.")),
  ];
}

/** @param {Scene} scene @returns {Child[]} */
function ballot(scene) {
  const { state, facts: facts_, act } = scene;
  return [
    steps(3),
    h("h1", {}, _("Your ballot is encrypted")),
    h("p", {}, _("It has not been sent. This is its tracker, a fingerprint by which you will find it in the ballot box:")),
    trackerBox(_("Tracker"), state.ballot?.tracker ?? ""),
    otherBallot(scene),
    notice(mayRevote(facts_) ? "info" : "warning", finality(facts_)),
    actions(button(_("Cast this ballot"), () => act("cast"))),
    h("h2", {}, _("Do you trust this page?")),
    h("p", {}, _("You need not: have this ballot opened on another device, and see that your choices are in it. It can then no longer be cast, and you encrypt afresh. Whoever does this cannot be deceived without noticing it, and this page does not know beforehand who will.")),
    actions(button(_("Check instead of cast"), () => act("challenge"), "quiet"), button(_("Back to my choices"), () => act("goBack"), "quiet")),
  ];
}

/** Why it is tried again. @param {State} state */
export function nameLoss({ delivery }) {
  // After the closing, for example, until the box has ended: then the server answers, and its answer decides nothing yet.
  return delivery?.isAnswered ? _("The server has not confirmed your ballot yet.") : _("There is no connection to the server at the moment.");
}

/** @param {Scene} scene @param {string} doubt */
function lostBox({ state, act }, doubt) {
  const pause = state.delivery?.pause ?? null;
  if (pause === null) return null;
  return notice(
    "warning",
    nameLoss(state),
    h("p", {}, doubt),
    h("p", {}, ngettext("The next try is in %(num)s second, or as soon as this device is online again.", "The next try is in %(num)s seconds, or as soon as this device is online again.", pause)),
    actions(button(_("Try now"), () => act("tryAgain"))),
  );
}

/** @param {Scene} scene @returns {Child[]} */
function casting(scene) {
  const { state } = scene;
  const { pause = null, isKept = false, isQueued = false } = state.delivery ?? {};
  return [
    steps(3),
    h("h1", {}, _("Casting your ballot …")),
    pause === null && waiting(isQueued ? _("Another tab of this browser is casting a ballot. Waiting until it is done …") : _("Waiting for the receipt …")),
    lostBox(scene, _("It is not known yet whether your ballot has arrived. The very same ballot is sent again until there is an answer; it cannot be counted twice.")),
    trackerBox(_("Tracker"), state.ballot?.tracker ?? ""),
    isKept
      ? h("p", { class: "muted" }, _("Should this page be closed before the receipt is there: open it again on this device, and it goes on by itself."))
      : notice("warning", _("Do not close this page before you see the receipt."), h("p", {}, _("This browser keeps nothing. If the page gets lost, open your link again: it tells you whether your ballot has arrived."))),
  ];
}

/** @param {Scene} scene @returns {Child[]} */
function receipt(scene) {
  const { state, facts: facts_, tools } = scene;
  const kept = state.receipt;
  if (!kept) return [];
  const texts = chooseTexts(facts_);
  const place = h("span", { role: "status" });
  const url = `${location.origin}${address(facts_.uuid, "/trackers")}#${kept.tracker}`;
  return [
    h("h1", {}, _("Your ballot is in the ballot box")),
    state.isFound
      ? notice(
          "info",
          _("This device has kept this receipt."),
          h("p", {}, _("If it is not yours, somebody else has voted on this device, and you can vote with your own code.")),
          actions(button(_("Vote with another code"), tools.useAnother, "quiet")),
        )
      : notice("good", _("This is your receipt."), h("p", {}, _("It does not tell how you voted, so you can show it to others."))),
    h(
      "div",
      { class: "receipt" },
      h(
        "div",
        {},
        trackerBox(_("Tracker"), kept.tracker),
        facts(
          [_("Election"), words(texts.name, texts.language)],
          [_("Place in the ballot box"), String(kept.height)],
          [_("Signature"), _("The service has signed this receipt, and this device has verified the signature.")],
        ),
      ),
      drawCode(url, _("QR code: the address at which this tracker can be looked up")),
    ),
    unsentBallot(scene),
    actions(
      button(_("Save as a file"), tools.save),
      button(_("Print"), () => print(), "quiet"),
      button(_("Copy the tracker"), () => tools.copy(kept.tracker, place), "quiet"),
    ),
    h("p", { class: "no-print" }, place),
    h("h2", {}, _("Later")),
    h("p", {}, _("Look your tracker up at any time, also after the result is out. If it should be missing, give the receipt to the election committee: it proves that your ballot was taken.")),
    h("p", { class: "print-only long-code" }, url),
    h("p", { class: "no-print" }, h("a", { href: `${address(facts_.uuid, "/trackers", facts_.language)}#${kept.tracker}` }, _("Look for it in the ballot box now"))),
    mayRevote(facts_) &&
      facts_.status?.state === "open" &&
      h("p", {}, _("You may vote again until voting closes: open your link once more. The last ballot counts.")),
    h("details", { class: "no-print" }, h("summary", {}, _("The whole receipt")), h("code", { class: "long-code" }, kept.text)),
    h("p", { class: "print-only long-code" }, kept.text),
    kept.isKept
      ? h("div", { class: "no-print" }, h("p", { class: "muted" }, _("This device keeps the receipt until you remove it. Whoever uses the device can see it. If others vote on it too, save or print the receipt, and remove it here.")), button(_("Remove from this device"), tools.remove, "quiet"))
      : h("p", { class: "muted no-print", role: "status" }, _("This device does not keep the receipt: save or print it before you close the page.")),
    !state.isFound && h("p", { class: "no-print" }, button(_("Vote with another code"), tools.useAnother, "link")),
  ];
}

/** @param {Scene} scene @returns {Child[]} */
function challenging(scene) {
  const { state, act } = scene;
  return [
    h("h1", {}, _("Giving the ballot up to be checked …")),
    state.delivery?.pause === null && waiting(_("Waiting for the server …")),
    lostBox(scene, _("The code that opens this ballot is shown as soon as the server has confirmed that it can no longer be cast.")),
    actions(button(_("Stop, and go back to my choices"), () => act("goBack"), "quiet")),
  ];
}

/** @param {Scene} scene @returns {Child[]} */
function challenged({ state, facts: facts_, act, tools }) {
  const opened = state.ballot?.code ?? "";
  const url = `${location.origin}${address(facts_.uuid, "/check")}#${opened}`;
  const place = h("span", { role: "status" });
  return [
    h("h1", {}, _("Check this ballot on another device")),
    notice("info", state.tracker
      ? _("This ballot can never be cast. Your earlier one still counts.")
      : _("This ballot can never be cast. You have not voted yet.")),
    h("p", {}, _("Scan the code with another phone. It computes by itself what is in the ballot and says it in words.")),
    drawCode(url, _("QR code: the address at which another device opens this ballot")),
    h("p", {}, h("strong", {}, _("Compare what the other device shows:"))),
    trackerBox(_("Tracker of this ballot"), state.ballot?.tracker ?? ""),
    facts_.election && h("div", { class: "tracker" }, h("p", { class: "name" }, _("Fingerprint of the election")), fingerprintBox(facts_.election.fingerprint)),
    h("details", {}, h("summary", {}, _("The code as text")),
      h("p", {}, _("For the page %(address)s, or for the command steward-audit check-ballot:", { address: `${location.origin}${address(facts_.uuid, "/check")}` })),
      h("p", {}, h("code", { class: "long-code", translate: "no" }, opened)),
      actions(button(_("Copy"), () => tools.copy(opened, place), "quiet")),
      place),
    notice("warning", _("The code tells what you chose in this ballot."), h("p", {}, _("Show it only to whom you trust, or check a ballot with other choices and change them afterwards."))),
    h("h2", {}, _("Then")),
    h("p", {}, _("Encrypt afresh and cast, or check once more.")),
    actions(button(_("Encrypt again"), () => act("again")), button(_("Change my choices"), () => act("goBack"), "quiet")),
  ];
}

/** @param {Scene} scene @returns {Child[]} */
function voted(scene) {
  const { state, facts: facts_ } = scene;
  const look = `${address(facts_.uuid, "/trackers", facts_.language)}${state.tracker ? `#${state.tracker}` : ""}`;
  return [
    h("h1", {}, _("You have already voted")),
    h("p", { class: "lead" }, _("A ballot that was cast with your code is in the ballot box. Votes are final in this election, so no other one can be cast, and nothing was cast now.")),
    state.tracker && trackerBox(_("Tracker of that ballot"), state.tracker),
    unsentBallot(scene),
    h("p", {}, _("If this is the tracker on your receipt, all is well.")),
    notice("warning", _("If it was not you"), h("p", {}, _("Tell the election committee at once, and show this page. Somebody else has had your code. Keep the sheet or the link: the committee needs it."))),
    h("p", {}, h("a", { href: look }, _("Look for it in the ballot box now"))),
    home(facts_),
  ];
}

/** @param {Facts} facts_ */
function home(facts_) {
  return h("p", {}, h("a", { href: address(facts_.uuid, "", facts_.language) }, _("To the election's page")));
}

/**
 * Why nobody can vote here now: title, colour, what it means and what to do.
 * @param {string} reason
 * @param {Facts} facts_
 * @returns {[string, "info" | "warning" | "danger", string, Child]}
 */
function describeStop(reason, facts_) {
  const { status } = facts_;
  switch (reason) {
    case "not-open":
      return [_("Voting has not begun yet"), "info", _("The committee opens the voting when the trustees have shown that their keys work. Keep your link or sheet: it stays valid."), closing(facts_)];
    case "not-set-up":
      return [_("You cannot vote yet."), "info", _("The trustees are still making the keys with which ballots are encrypted. Keep your link or sheet: it stays valid."), ""];
    case "paused":
      return [_("Voting is paused"), "warning", _("The committee has interrupted the voting. No ballot is taken at this time; ballots that were cast stay cast."), _("Come back later with the same link or code. The election's page tells when it goes on.")];
    case "closed":
      return [_("Voting is closed"), "info", status?.closed_at ? _("Voting closed: %(time)s", { time: describeMoment(status.closed_at, status.time_zone, facts_.language) }) : _("The time for voting is over."), _("The election's page shows the result as soon as the trustees have opened it.")];
    case "cancelled":
      return [_("This election was cancelled"), "warning", _("Nobody can vote in it, and there will be no result. The reason stands on the election's page."), ""];
    case "untalliable":
      return [_("This election cannot be counted"), "warning", _("Too few trustees can open the result. The reason stands on the election's page."), ""];
    case "unlisted":
      return [_("This code is not on the list of this election"), "warning", _("Perhaps it is the code of another election, or a character is wrong. It was not used up."), _("Compare it with your sheet character by character. If it stays like this, ask the election committee.")];
    case "other-data":
      return [_("Do not vote here"), "danger", _("The server shows another election than the one that your link or sheet, or a ballot that was encrypted on this device, names: the fingerprints differ. Perhaps somebody wants to deceive you. This page has stopped, and nothing was sent."), _("Tell the election committee at once, and show them this page and your sheet.")];
    case "bad-data":
      return [_("Do not vote here"), "danger", _("The election's data contradict themselves, or are not those of this address: questions, keys or proofs do not fit together. This page has stopped, and nothing was sent."), _("Tell the election committee at once, and show them this page.")];
    case "bad-receipt":
      return [_("The receipt is not valid"), "danger", _("The server says that it has taken your ballot, but its receipt does not bear the election's signature. Do not rely on it."), _("Tell the election committee at once, with the tracker below, and look later whether the tracker is in the ballot box.")];
    case "contradiction":
      return [_("The server contradicts your receipt"), "danger", _("This device keeps a receipt for your ballot. What the server shows now does not fit it: your ballot is not in the ballot box, an earlier one of yours counts there in its place, or the receipt was signed with another key."), _("Save the receipt, and give it to the election committee at once: it proves that your ballot was taken.")];
    case "opened":
      return [_("A ballot that you did not cast counts as yours"), "danger", _("This device had that ballot opened to be checked, so it must never be cast. Now it is in the ballot box under your code. It was not you who put it there: only whoever runs the server can have done it."), _("Tell the election committee at once, and show them this page with the tracker below. Do not vote again before they have answered.")];
    case "spoiled":
      return [_("This ballot was given up to be checked"), "warning", _("It can never be cast. Open your link again and encrypt another one."), ""];
    case "too-old":
      return [_("The program that encrypts did not start"), "warning", _("Perhaps a part of it did not arrive: check your connection and try again. Otherwise this browser is too old for it."), _("Open your link in another browser or on another phone. The election committee can help you, and knows whether you can vote on paper.")];
    case "too-many-challenges":
      return [_("No more ballots can be checked with this code"), "warning", _("So many ballots were opened with it that the limit is reached. You can still vote."), _("Open your link once more, encrypt, and cast.")];
    case "unsupported":
      return [_("This election is not for browsers"), "info", _("It computes in a mathematical group that only programs on a computer use. Ask the election committee which one to vote with."), ""];
    case "unbound":
      return [_("You cannot vote in this election here"), "warning", _("Its data do not fix which key signs receipts, nor whether a vote is final. So this page could not tell a true receipt from a false one. Nothing was sent."), _("Tell the election committee, and show them this page.")];
    case "unreachable":
      return [_("The server cannot be reached"), "warning", _("Check your connection and try again."), ""];
    case "unreadable":
      return [_("The server's answer cannot be read"), "warning", _("Something in it is missing or is not what this page expects. Perhaps it comes from a network that asks you to sign in first, or something is wrong with the server."), _("Try again. If it happens again, tell the election committee.")];
    default:
      return [_("The server refused the ballot"), "danger", _("It does not follow the election's rules, says the server. That should never happen."), _("Open your link once more and try again. If it happens again, tell the election committee.")];
  }
}

// What is wrong before anything can have been sent, unless a ballot is on its way from an earlier visit.
const HARMLESS = ["unreachable", "unreadable", "too-old"];

/** What has become of the ballot that was being sent, where nothing else on the page tells it. @param {Scene} scene */
function fateOfBallot({ state }) {
  const { reason = "", fate = null, hasVoted = null } = state.stop ?? {};
  /** @param {string} sentence */
  const strong = (sentence) => h("p", {}, h("strong", {}, sentence));
  if (fate === null) return HARMLESS.includes(reason) && strong(_("Nothing was sent."));
  const later = reason === "paused" && h("p", {}, _("This device keeps the encrypted ballot, if it can, and sends it when you open this page after the pause."));
  if (fate === "not-cast") {
    return [
      strong(hasVoted ? _("The ballot that this device was sending is not in the ballot box.") : _("Nothing was cast: your ballot is not in the ballot box.")),
      later,
    ];
  }
  return [
    strong(_("It is not known yet whether the ballot that this device was sending has arrived. It cannot be counted twice.")),
    reason === "paused"
      ? [h("p", {}, _("What arrived before the pause is still put into the ballot box. Try again in a minute.")), later]
      : !["opened", "other-data"].includes(reason) && h("p", {}, _("As soon as the server answers, the very same ballot is sent again.")),
  ];
}

/** @param {Scene} scene @returns {Child[]} */
function stopped(scene) {
  const { state, facts: facts_, act, tools } = scene;
  const { reason = "", fate = null, detail = "", hasVoted = null } = state.stop ?? {};
  const isTracked = hasVoted || ["bad-receipt", "contradiction", "opened"].includes(reason);
  const [title, kind, sentence, advice] = describeStop(reason, facts_);
  const canReopen = [...HARMLESS, "paused", "not-open"].includes(reason);
  return [
    h("h1", {}, title),
    // What a hostile server did is said so that nobody overlooks it.
    h("div", { class: `notice ${kind}`, role: kind === "danger" ? "alert" : null }, h("p", {}, sentence), typeof advice === "string" && advice ? h("p", {}, advice) : advice),
    fateOfBallot(scene),
    hasVoted && h("p", {}, h("strong", {}, fate ? _("Another ballot of yours is in the ballot box.") : _("A ballot of yours is in the ballot box already."))),
    hasVoted === false && !fate && h("p", {}, h("strong", {}, _("No ballot of yours is in the ballot box."))),
    isTracked && state.tracker && trackerBox(_("Tracker"), state.tracker),
    !fate && unsentBallot(scene),
    fate && state.unsent && trackerBox(_("Tracker of the ballot that was being sent"), state.unsent),
    state.receipt && actions(button(_("Save as a file"), tools.save)),
    reason === "other-data" && facts_.election && h("p", {}, _("Fingerprint of what the server shows:"), " ", fingerprintBox(facts_.election.fingerprint)),
    detail && h("p", { class: "small muted" }, _("For the committee: %(detail)s", { detail })),
    canReopen && actions(button(_("Try again"), () => act("reopen"))),
    reason === "unlisted" && actions(button(_("Type the code again"), tools.useAnother)),
    shelf(scene),
    home(facts_),
  ];
}

/** @type {Record<string, (scene: Scene) => Child[]>} */
const DRAW = { opening, code: typing, intro, question: choosing, review, encrypting, ballot, casting, receipt, challenging, challenged, voted, stopped };

/**
 * What the page shows in a state.
 * @param {Scene} scene
 * @returns {Child[]}
 */
export function draw(scene) {
  return [markTest(scene.facts.election), ...DRAW[scene.state.view](scene)];
}

/**
 * Said above everything in an election that is for practice, as the macro `test_mark` does.
 * @param {{ isTest?: boolean } | null} election
 */
export function markTest(election) {
  return election?.isTest && notice("warning", _("Test election"), h("p", {}, _("It is for practice. Nothing that is cast here counts.")));
}
