// @ts-check
/**
 * The words of a page's program in the reader's language.
 *
 * English stands in the source: `_("Your ballot is in the box.")`. Placeholders are `%(name)s`:
 * `_("Closes %(time)s", { time })`. `make translations` finds the sentences; `/texts/xx.json` has the others' ones,
 * `/texts/PART/xx.json` those that only one page needs.
 */

/** English sentence -> the reader's, or its plural forms. @type {Map<string, string | string[]>} */
let messages = new Map();
let language = "en";
/** Addresses of the words below /texts/, without the language. */
const folders = [""];
/** Of two languages that are fetched at once, the one that was asked for last is meant. */
let latest = 0;

/** The page's program has sentences that no other one has. @param {string} part */
export function addTexts(part) {
  folders.push(`${part}/`);
}

/**
 * Get the words of the page's language. Without a connection the sentences stay English, and the page works.
 *
 * @param {string} wanted the language of the page by default
 * @returns {Promise<void>}
 */
export async function loadTexts(wanted = document.documentElement.lang) {
  const mine = ++latest;
  if (wanted === "en") {
    // English again: the reader may switch to and fro.
    messages = new Map();
    language = wanted;
    return;
  }
  try {
    const found = await Promise.all(folders.map((folder) => fetchTexts(`/texts/${folder}${encodeURIComponent(wanted)}.json`)));
    if (mine !== latest) return;
    messages = new Map(found.flat());
    language = wanted;
  } catch {
    // English is better than nothing.
  }
}

/** @param {string} address @returns {Promise<[string, string | string[]][]>} */
async function fetchTexts(address) {
  const answer = await fetch(address, { credentials: "omit" });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return Object.entries((await answer.json()).messages);
}

/**
 * @param {string} message English
 * @param {Record<string, string | number>} [values] of its placeholders
 * @returns {string} in the reader's language: text, never markup
 */
export function _(message, values = {}) {
  const found = messages.get(message);
  return fill(typeof found === "string" && found ? found : message, values);
}

/**
 * The form for one or for several; `%(num)s` is the number, written as the language writes it.
 *
 * @param {string} one English
 * @param {string} several English
 * @param {number} number
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function ngettext(one, several, number, values = {}) {
  const found = messages.get(one);
  const forms = Array.isArray(found) ? found : [one, several];
  // Right for all languages that have two forms; one with more needs its rule here.
  const form = new Intl.PluralRules(language).select(number) === "one" ? forms[0] : forms[1];
  return fill(form, { num: new Intl.NumberFormat(language).format(number), ...values });
}

/** @param {string} text @param {Record<string, string | number>} values @returns {string} */
function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}
