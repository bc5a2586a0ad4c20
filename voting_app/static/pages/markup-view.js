// @ts-check
/** Descriptions and statements as elements: text nodes and a handful of tags, as the macro `markup` makes them. */
import { hostOf, parseMarkup } from "../booth/markup.js";
import { h } from "./dom.js";

/** @typedef {import("../booth/markup.js").Inline} Inline */

/**
 * @param {string} text
 * @param {string} language
 * @param {string} [style]
 */
export function drawMarkup(text, language, style = "") {
  return h("div", { class: `markup ${style}`.trim(), lang: language || null }, parseMarkup(text).map(drawBlock));
}

/** @param {import("../booth/markup.js").Block<Inline[]>} block */
function drawBlock({ kind, start, items }) {
  if (kind === "heading") return h("h2", { dir: "auto" }, items[0].map(drawInline));
  if (kind === "paragraph") return h("p", { dir: "auto" }, items[0].map(drawInline));
  const lines = items.map((item) => h("li", { dir: "auto" }, item.map(drawInline)));
  return kind === "bullets" ? h("ul", {}, lines) : h("ol", { start: start === 1 ? null : start }, lines);
}

/** @param {Inline} item @returns {import("./dom.js").Child} */
function drawInline(item) {
  if (typeof item === "string") return item;
  const { kind, children, url } = item;
  if (kind === "break") return h("br");
  if (kind !== "link") return h(kind, {}, children.map(drawInline));
  // Where it leads is told beside it: a link's own words may say something else.
  return [
    h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, children.map(drawInline)),
    " ",
    h("span", { class: "small muted", dir: "ltr" }, `(${hostOf(url)})`),
  ];
}
