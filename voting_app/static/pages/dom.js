// @ts-check
/** Building a page out of elements and texts. Texts never become markup: there is no other way to make one here. */

import { fingerprintWords } from "../booth/words.js";

/** @typedef {Node | string | null | undefined | false | Child[]} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>} Attributes */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Attributes that are false, null or undefined are left out, true is a bare one, and a function listens:
 * `h("button", { type: "button", onclick: cast }, _("Cast"))`.
 *
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * The same for drawings.
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes, ...children) {
  return fill(/** @type {SVGElement} */ (document.createElementNS(SVG, tag)), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 * @returns {E}
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

/** @param {Element} element @param {Child[]} children */
function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child) element.append(child);
  }
}

/**
 * A box with a coloured edge, as the macro `notice`.
 * @param {"info" | "good" | "warning" | "danger"} kind
 * @param {string} title
 * @param {...Child} children
 */
export function notice(kind, title, ...children) {
  return h("div", { class: `notice ${kind}` }, h("p", { class: "title" }, title), children);
}

/**
 * @param {string} label
 * @param {() => void} act
 * @param {string} [style] "quiet", "danger" or "link"
 */
export function button(label, act, style = "") {
  return h("button", { type: "button", class: style || null, onclick: act }, label);
}

/** @param {...Child} children */
export function actions(...children) {
  return h("div", { class: "actions" }, children);
}

/**
 * Other people's words, whose direction and language are their own.
 * @param {string} text
 * @param {string} [language]
 */
export function words(text, language) {
  return h("span", { dir: "auto", lang: language || null }, text);
}

/**
 * A fingerprint or tracker in groups of four, as the macro `code`.
 * @param {string} text
 */
export function code(text) {
  const groups = text.match(/.{1,4}/g) ?? [];
  return h("code", { class: "code", dir: "ltr", translate: "no" }, groups.map((group) => h("span", {}, group)));
}

/**
 * A fingerprint for people: eight words to compare, and below them the whole of it, as the macro `fingerprint`.
 * @param {string} text
 */
export function fingerprintBox(text) {
  return h(
    "span",
    {},
    h("span", { class: "fingerprint-words", dir: "ltr", translate: "no" }, fingerprintWords(text)),
    h("span", { class: "whole" }, code(text)),
  );
}

/**
 * Lines of a <dl class="facts">.
 * @param {...[string, Child]} lines
 */
export function facts(...lines) {
  return h("dl", { class: "facts" }, lines.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/**
 * Puts a view into its place. Whoever reads by ear or by keyboard is taken to its heading.
 *
 * @param {HTMLElement} place
 * @param {Child[]} children
 * @param {boolean} isNew whether the reader shall be taken to it
 */
export function show(place, children, isNew) {
  place.replaceChildren();
  append(place, children);
  place.className = "view";
  if (!isNew) return;
  const heading = place.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
  scrollTo(0, 0);
}
