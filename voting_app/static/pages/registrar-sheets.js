// @ts-check
/** Voting sheets as elements to be printed: the same words as the commands' PDF (paper/), in the member's language. */
import { fingerprintWords } from "../booth/words.js";
import { h, words } from "./dom.js";
import { drawCode } from "./qr.js";

/**
 * @typedef {{ number: string, name: string, address: string, unit: string, weight: number, language: string }} Member
 * @typedef {{ organisation: string, election: string, member_number: string, closes: string, phone: string[],
 *   any_device: string[], code: string[], fingerprint: string[], advice: string[], short_fingerprint: string,
 *   short_advice: string[] }} Content
 * @typedef {{ site: string, uuid: string, fingerprint: string, isTest: boolean, contents: Record<string, Content>,
 *   codes: Map<string, string> }} Occasion
 */

/** Paper, and how many members have room on a page of it. @type {Record<string, number>} */
export const LAYOUTS = { a4: 1, letter: 1, "a4-labels": 8, "letter-labels": 6 };

/**
 * Pages to be printed, in the order of the members.
 * @param {string} layout of LAYOUTS
 * @param {readonly Member[]} members
 * @param {Occasion} occasion
 */
export function makeSheets(layout, members, occasion) {
  const room = LAYOUTS[layout];
  const pages = [];
  for (let start = 0; start < members.length; start += room) {
    const here = members.slice(start, start + room);
    const make = room === 1 ? makeLetter : makeLabel;
    pages.push(h("section", { class: `paper ${layout}` }, here.map((member) => make(member, occasion))));
  }
  return h("div", { class: "sheets" }, pages);
}

/**
 * Members of whom something has no room: nothing may be cut off unseen.
 * @param {HTMLElement} sheets that are in the document
 */
export function findOverfull(sheets) {
  /** @type {string[]} */
  const found = [];
  for (const box of sheets.querySelectorAll("[data-number]")) {
    const parts = [box, ...box.querySelectorAll(".fixed")];
    // Half a pixel is rounding.
    const isFull = parts.some((part) => part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1);
    if (isFull) found.push(/** @type {HTMLElement} */ (box).dataset.number ?? "");
  }
  return found;
}

/** @param {Member} member @param {Occasion} occasion */
function gather(member, occasion) {
  const { site, uuid, fingerprint, codes, contents } = occasion;
  const code = codes.get(member.number);
  if (!code) throw new Error("a member without a code");
  const content = contents[member.language];
  const link = `${site}/elections/${uuid}/vote#${code}.${fingerprint}`;
  return { code, content, link, number: content.member_number.replace("{number}", () => member.number) };
}

/** @param {string} fingerprint */
function groups(fingerprint) {
  return h("p", { class: "mono whole", dir: "ltr" }, (fingerprint.match(/.{1,4}/g) ?? []).join(" "));
}

/** Reckoned here: what the server says of it is believed on no sheet. @param {string} fingerprint */
function eightWords(fingerprint) {
  return h("p", { class: "mono fingerprint-words", dir: "ltr" }, fingerprintWords(fingerprint));
}

/** @param {Occasion} occasion */
function testMark({ isTest }) {
  return isTest && h("p", { class: "test" }, "TEST");
}

/** @param {Member} member @param {Occasion} occasion */
function makeLetter(member, occasion) {
  const { code, content, link, number } = gather(member, occasion);
  const block = (/** @type {string[]} */ [title, ...sentences]) => [h("h3", {}, title), sentences.map((one) => h("p", {}, one))];
  return h(
    "article",
    { class: "letter-sheet", lang: member.language, "data-number": member.number },
    h(
      "div",
      { class: "third fixed" },
      h("p", { class: "organisation" }, words(content.organisation)),
      testMark(occasion),
      h("div", { class: "window" }, h("p", { class: "address" }, words(`${member.name}\n${member.address}`.trim())), h("p", { class: "number" }, words(number))),
    ),
    h(
      "div",
      { class: "third fixed" },
      h("h2", {}, words(content.election)),
      h("p", { class: "closes" }, content.closes),
      h("div", { class: "ways" }, drawCode(link, content.phone[0]), h("div", {}, block(content.phone), block(content.any_device))),
    ),
    h(
      "div",
      { class: "third fixed" },
      h("h3", {}, content.code[0]),
      h("p", { class: "code-line mono", dir: "ltr" }, code),
      h("p", { class: "hint" }, content.code[1]),
      block(content.fingerprint),
      eightWords(occasion.fingerprint),
      groups(occasion.fingerprint),
      content.advice.map((one) => h("p", {}, one)),
    ),
  );
}

/** @param {Member} member @param {Occasion} occasion */
function makeLabel(member, occasion) {
  const { code, content, link, number } = gather(member, occasion);
  // In two lines, larger; the dash at the end of the first says that it goes on.
  const half = code.indexOf("-", 6) + 1;
  return h(
    "article",
    { class: "label-sheet", lang: member.language, "data-number": member.number },
    h("h3", {}, words(member.name)),
    h("p", {}, words(number), occasion.isTest && " · TEST"),
    h("p", {}, words(content.election)),
    h(
      "div",
      { class: "ways" },
      drawCode(link, content.phone[0]),
      h(
        "div",
        { class: "fixed" },
        h("p", { class: "code-line mono", dir: "ltr" }, code.slice(0, half), h("br"), code.slice(half)),
        h("p", {}, content.closes),
        h("p", {}, content.short_fingerprint),
        eightWords(occasion.fingerprint),
        content.short_advice.map((one) => h("p", {}, one)),
      ),
    ),
  );
}
