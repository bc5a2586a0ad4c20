// Tables as CSV files: the file of voting codes is the same whether steward-registrar or a browser made it.
//
// Spreadsheets take a cell that begins with = + - @ for a formula, which could send the other cells to a stranger. Such a
// cell has an apostrophe before that sign, and reading takes it away again (docs/adr/0011).

import { MalformedError } from "./errors.js";

/** The rule under which files of our own making are refused; it has no number, because nobody publishes them. */
export const RULE = "file";

const SEPARATORS = [",", ";", "\t"];
const SIGNS = "=+@-＝＋－＠";
const BEFORE_SIGN = /[;,\s"']/u;

/**
 * A file with these rows, which `readTable` and the commands read back.
 * @param {readonly (readonly string[])[]} rows
 */
export function encodeTable(rows) {
  return rows.map((cells) => `${cells.map((cell) => quote(makeHarmless(cell))).join(",")}\n`).join("");
}

/** @param {string} cell */
function quote(cell) {
  return /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * The cells of each row, without surrounding blanks. UTF-8, or UTF-16 that says so by its first bytes; separated by
 * commas, semicolons or tabs, whichever the first line has most of.
 * @param {Uint8Array} raw
 * @returns {string[][]}
 */
export function readTable(raw) {
  const text = decode(raw);
  const [first] = text.split(/[\r\n]/, 1);
  const counts = SEPARATORS.map((one) => first.split(one).length);
  const separator = SEPARATORS[counts.indexOf(Math.max(...counts))];
  return splitCells(text, separator).map((cells) => cells.map((cell) => restore(cell.trim())));
}

/** @param {Uint8Array} raw */
function decode(raw) {
  const isWide = (raw[0] === 0xff && raw[1] === 0xfe) || (raw[0] === 0xfe && raw[1] === 0xff);
  const encoding = !isWide ? "utf-8" : raw[0] === 0xff ? "utf-16le" : "utf-16be";
  try {
    // It drops the mark at the beginning, if there is one.
    return new TextDecoder(encoding, { fatal: true }).decode(raw);
  } catch {
    throw new MalformedError(RULE, "this is no text in UTF-8");
  }
}

/**
 * @param {string} text
 * @param {string} separator
 */
function splitCells(text, separator) {
  /** @type {string[][]} */
  const rows = [];
  let cells = [""];
  const isEnd = (/** @type {string | undefined} */ sign) => sign === undefined || sign === separator || sign === "\n" || sign === "\r";
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === separator) cells.push("");
    else if (sign === "\n" || sign === "\r") {
      if (sign === "\r" && text[at + 1] === "\n") at++;
      rows.push(cells);
      cells = [""];
    } else if (sign === '"' && cells[cells.length - 1] === "") {
      const end = findQuote(text, at + 1);
      if (end < 0 || !isEnd(text[end + 1])) throw new MalformedError(RULE, `row ${rows.length + 1}: a quotation mark is not closed`);
      cells[cells.length - 1] = text.slice(at + 1, end).replaceAll('""', '"');
      at = end;
    } else cells[cells.length - 1] += sign;
  }
  if (cells.length > 1 || cells[0] !== "") rows.push(cells);
  return rows;
}

/**
 * Where the quotation mark is that ends a cell; two of them are one within it.
 * @param {string} text
 * @param {number} from
 */
function findQuote(text, from) {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) if (text[at + 1] !== '"') return at;
  return -1;
}

/** @param {string} cell */
export function makeHarmless(cell) {
  return changeBeforeSigns(cell, (run) => `${run}'`);
}

/** @param {string} cell */
export function restore(cell) {
  return cell.includes("'") ? changeBeforeSigns(cell, (run) => (run.endsWith("'") ? run.slice(0, -1) : run)) : cell;
}

/**
 * Changes what stands right before each sign at which a spreadsheet would begin a formula.
 * @param {string} cell
 * @param {(run: string) => string} change
 */
function changeBeforeSigns(cell, change) {
  let out = "";
  let run = "";
  let isFirst = true;
  for (const sign of cell) {
    if (BEFORE_SIGN.test(sign)) {
      run += sign;
      continue;
    }
    out += (SIGNS.includes(sign) && beginsCell(run, isFirst) ? change(run) : run) + sign;
    run = "";
    isFirst = false;
  }
  return out + run;
}

/**
 * Whether a spreadsheet that splits at any separator, and drops blanks and quotes, begins a cell after this.
 * @param {string} run
 * @param {boolean} isFirst whether the cell begins with it
 */
function beginsCell(run, isFirst) {
  const before = run.replace(/'+$/, "").replace(/[\s"]+$/, (blanks) => (/[\t\r\n]/.test(blanks) ? "," : ""));
  return before ? /[;,]$/.test(before) : isFirst;
}
