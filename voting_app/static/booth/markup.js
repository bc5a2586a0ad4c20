// The little markup of descriptions and statements: a part of Markdown that is defined to the letter (docs/protocol.md
// §7.11), so that every page and every program shows the same. Any text can be read; there are no errors, and nothing
// in it is ever HTML.

const HEADING = /^#{1,3} +(?=[^ ])/;
const BULLET = /^ *[-*] +(?=[^ ])/;
const NUMBER = /^ *([0-9]{1,9})[.)] +(?=[^ ])/;
// No name or password before the host, which would look like one; no sign that a page could misread.
const LINK =
  /\]\(((?:https?:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][!#-'*-;=?-[\]-_a-z{|}~]*)?)|(?:mailto:[A-Za-z0-9.%+_-]+@[A-Za-z0-9.-]+))\)/y;
const ESCAPED = "\\*_[]()#-.!";
// Beside these an underscore may begin or end emphasis; in the middle of words it is a sign like any other.
const BEFORE_UNDERSCORE = " \n([\"'*";
const AFTER_UNDERSCORE = " \n)]\"'*.,;:!?";

/** @typedef {"strong" | "em" | "link" | "break"} SpanKind */
/** A part of a line that is more than text; `url` is a link's. @typedef {{ kind: SpanKind, children: Inline[], url: string }} Span */
/** @typedef {string | Span} Inline */
/** @typedef {"paragraph" | "heading" | "bullets" | "numbers"} BlockKind */
/**
 * Paragraph or heading of one item, or list of several; `start` is the first number of a numbered one.
 * @template Item
 * @typedef {{ kind: BlockKind, start: number, items: Item[] }} Block
 */

/**
 * Any text → its blocks.
 * @param {string} text
 * @returns {Block<Inline[]>[]}
 */
export function parseMarkup(text) {
  return splitBlocks(text).map(({ items, ...block }) => ({ ...block, items: items.map((item) => parseInline(item, [])) }));
}

/** Where a link leads, for who does not see its address. @param {string} url */
export function hostOf(url) {
  return url.replace(/^mailto:|^https?:\/\//, "").split(/[/?#]/)[0];
}

/** @param {string} text */
function trimEnd(text) {
  return text.replace(/ +$/, "");
}

/** @param {string} text */
function splitBlocks(text) {
  /** @type {Block<string>[]} */
  const blocks = [];
  let isAfterBlank = false;
  for (const line of text.split("\n")) {
    const block = blocks.at(-1);
    const found = readLine(line, block?.kind, isAfterBlank);
    isAfterBlank = !found;
    if (!found) continue;
    const { kind, start = 1, rest, continues = "" } = found;
    if (!block || !continues) blocks.push({ kind, start, items: [rest] });
    else if (continues === "item") block.items.push(rest);
    else block.items[block.items.length - 1] += `\n${rest}`;
  }
  return blocks;
}

/**
 * Of a line: its kind of block, its number, its text, and whether it goes on with the last "line"'s item, or is a new
 * "item" of its list; otherwise it begins a block. Null for an empty line.
 * @param {string} line
 * @param {BlockKind | undefined} before
 * @param {boolean} isAfterBlank
 * @returns {{ kind: BlockKind, start?: number, rest: string, continues?: "line" | "item" | "" } | null}
 */
function readLine(line, before, isAfterBlank) {
  const rest = trimEnd(line).replace(/^ +/, "");
  if (!rest) return null;
  const heading = HEADING.exec(line);
  if (heading) return { kind: "heading", rest: trimEnd(line.slice(heading[0].length)) };
  const bullet = BULLET.exec(line);
  if (bullet) {
    return { kind: "bullets", rest: trimEnd(line.slice(bullet[0].length)), continues: before === "bullets" ? "item" : "" };
  }
  const isAlone = !before || before === "heading" || isAfterBlank;
  const number = NUMBER.exec(line);
  // A line of a paragraph that happens to begin with a year and a full stop is no list.
  if (number && (isAlone || before === "numbers" || Number(number[1]) === 1)) {
    const continues = before === "numbers" ? "item" : "";
    return { kind: "numbers", start: Number(number[1]), rest: trimEnd(line.slice(number[0].length)), continues };
  }
  return { kind: "paragraph", rest, continues: isAlone ? "" : "line" };
}

/**
 * Text and spans. Nothing stands in its like, so that no text is read more than a few times.
 * @param {string} text
 * @param {SpanKind[]} inside
 * @returns {Inline[]}
 */
function parseInline(text, inside) {
  /** @type {Inline[]} */
  const found = [];
  /** Signs after which the text has nothing that would close them, from here on. @type {Set<string>} */
  const unclosed = new Set();
  let plain = "";
  let place = 0;
  while (place < text.length) {
    const sign = text[place];
    if (sign === "\\" && place + 1 < text.length && ESCAPED.includes(text[place + 1])) {
      plain += text[place + 1];
      place += 2;
      continue;
    }
    /** @type {[Span, number] | null} */
    let read = null;
    if (sign === "\n") read = [{ kind: "break", children: [], url: "" }, place + 1];
    else if (sign === "*" || sign === "_") read = readEmphasis(text, place, inside, unclosed);
    else if (sign === "[" && !inside.includes("link")) read = readLink(text, place, inside, unclosed);
    if (!read) {
      plain += sign;
      place += 1;
      continue;
    }
    if (plain) found.push(plain);
    plain = "";
    found.push(read[0]);
    place = read[1];
  }
  if (plain) found.push(plain);
  return found;
}

/**
 * @param {string} text
 * @param {number} place
 * @param {SpanKind[]} inside
 * @param {Set<string>} unclosed
 * @returns {[Span, number] | null}
 */
function readEmphasis(text, place, inside, unclosed) {
  const sign = text[place];
  if (sign === "_" && place && !BEFORE_UNDERSCORE.includes(text[place - 1])) return null;
  for (const mark of [sign + sign, sign]) {
    /** @type {SpanKind} */
    const kind = mark.length === 2 ? "strong" : "em";
    const first = place + mark.length;
    const isOpen = text.startsWith(mark, place) && first < text.length && !" \n".includes(text[first]);
    if (!isOpen || inside.includes(kind) || unclosed.has(mark)) continue;
    const end = findEnd(text, first, mark);
    if (end !== null) {
      return [{ kind, children: parseInline(text.slice(first, end), [...inside, kind]), url: "" }, end + mark.length];
    }
    unclosed.add(mark);
  }
  return null;
}

/**
 * Where the mark stands that closes what begins at `first`: the last of a run of its signs that is long enough, after
 * something that is no space. A run of two closes no single sign, because it is a mark of its own.
 * @param {string} text
 * @param {number} first
 * @param {string} mark
 */
function findEnd(text, first, mark) {
  const sign = mark[0];
  let place = first;
  while (place < text.length) {
    if (text[place] === "\\") place += 2;
    else if (text[place] !== sign) place += 1;
    else {
      let end = place;
      while (text[end] === sign) end += 1;
      const length = end - place;
      if (
        place > first &&
        !" \n".includes(text[place - 1]) &&
        (mark.length === 2 ? length >= 2 : length !== 2) &&
        (sign === "*" || end === text.length || AFTER_UNDERSCORE.includes(text[end]))
      ) {
        return end - mark.length;
      }
      place = end;
    }
  }
  return null;
}

/**
 * @param {string} text
 * @param {number} place
 * @param {SpanKind[]} inside
 * @param {Set<string>} unclosed
 * @returns {[Span, number] | null}
 */
function readLink(text, place, inside, unclosed) {
  if (unclosed.has("[")) return null;
  let end = place + 1;
  while (end < text.length && !"[]".includes(text[end])) end += text[end] === "\\" ? 2 : 1;
  if (end >= text.length) {
    unclosed.add("[");
    return null;
  }
  LINK.lastIndex = end;
  const found = LINK.exec(text);
  const shown = text.slice(place + 1, end);
  if (!found || !shown.replace(/[ \n]/g, "")) return null;
  return [{ kind: "link", children: parseInline(shown, [...inside, "link"]), url: found[1] }, LINK.lastIndex];
}
