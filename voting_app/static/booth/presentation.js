// What an election fixes beside its questions: languages, rules of decision, quorum, how its votes are recorded, and
// how its choices are shown (docs/protocol.md §7.7).
//
// It is the optional field `steward` of the election data, covered by the fingerprint, so that a voter's language is
// as safe as the questions, and a receipt's signature is worth as much as the sheet with the fingerprint.

import { isObject, parseBase64, requireFields, requireInt, requireList, requireText } from "./encoding.js";
import { MalformedError } from "./errors.js";
import { HomomorphicQuestion } from "./questions.js";

const MAJORITIES = ["plurality", "majority", "two-thirds"];
// Language, script, region: what BCP 47 says of nearly all written languages, in its usual spelling.
const LANGUAGE = /^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$/;
// Controls but LF, line and paragraph separators, and everything that turns writing round or cannot be seen, so that
// what is shown is what was hashed. Written out, because Unicode's own classes change with its version.
const HIDDEN = new RegExp(
  "[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f" +
    "\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]",
  "u",
);

/**
 * All texts of an election in one language; answers in the order of the ballot.
 * @typedef {{ language: string, name: string, description: string,
 *   questions: { question: string, answers: string[] }[] }} Texts
 */

/**
 * The member `record`: under which key the service signs receipts and seals (base64), and whether a later ballot
 * replaces an earlier one (otherwise every vote is final).
 * @typedef {{ serviceKey: string, revotes: boolean }} RecordTerms
 */

/**
 * What is shown beside an answer: statements by the tag of their language, and the SHA-256 of a photo's file in hex, ""
 * where there is none.
 * @typedef {{ statements: Record<string, string>, photo: string }} Candidate
 */

/**
 * The field `steward`. `language` is "" where it is not known; `rules` has one for each question, or is null; `record`
 * is null in elections that were set up before there was this member. `orders` has one for each question or is null;
 * so has `candidates`, each a candidate for each answer, or empty.
 * @typedef {{ language: string, translations: Texts[], rules: string[] | null, quorumPercent: number | null,
 *   record: RecordTerms | null, isTest: boolean, orders: string[] | null, candidates: Candidate[][] | null }} Presentation
 */

/** @typedef {import("./questions.js").UnsupportedQuestion} UnsupportedQuestion */

/**
 * @param {unknown} text
 * @returns {text is string} whether it is a tag such as `en`, `pt-BR` or `zh-Hant`
 */
export function isLanguage(text) {
  return typeof text === "string" && LANGUAGE.test(text);
}

/**
 * @param {unknown} value
 * @param {string} rule
 * @param {string} what
 */
function requireShown(value, rule, what) {
  const text = requireText(value, rule, what);
  const found = HIDDEN.exec(text);
  if (found) {
    const code = Number(found[0].codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
    throw new MalformedError(rule, `${what}: the character U+${code} cannot be seen`);
  }
  return text;
}

/**
 * A text that is empty exactly where the one that it translates is.
 * @param {unknown} value
 * @param {string} main
 * @param {string} rule
 * @param {string} what
 */
function requireTranslated(value, main, rule, what) {
  const text = requireShown(value, rule, what);
  if ((text.trim() === "") !== (main.trim() === "")) {
    throw new MalformedError(rule, `${what}: a text is missing, or has nothing that it translates`);
  }
  return text;
}

/**
 * @param {unknown} value
 * @param {{ question: string, answers: readonly string[] }} main
 * @param {string} rule
 * @param {string} what
 */
function parseQuestion(value, main, rule, what) {
  const fields = requireFields(value, ["question", "answers"], rule);
  const items = requireList(fields.answers, rule, `${what}: answers`, main.answers.length);
  const answers = items.map((item, index) =>
    requireTranslated(item, main.answers[index], rule, `${what}, answer ${index + 1}`),
  );
  // Two choices with one text: the voters of this language could not tell which is which.
  if (new Set(answers).size !== answers.length) throw new MalformedError(rule, `${what}: two answers are alike`);
  return { question: requireTranslated(fields.question, main.question, rule, what), answers };
}

/**
 * @param {string} language
 * @param {unknown} value
 * @param {Texts} main
 * @param {string} rule
 * @returns {Texts}
 */
function parseTexts(language, value, main, rule) {
  const what = `texts in ${language}`;
  const fields = requireFields(value, ["name", "description", "questions"], rule);
  const items = requireList(fields.questions, rule, `${what}: questions`, main.questions.length);
  return {
    language,
    name: requireTranslated(fields.name, main.name, rule, `${what}: name`),
    description: requireTranslated(fields.description, main.description, rule, `${what}: description`),
    questions: items.map((item, index) =>
      parseQuestion(item, main.questions[index], rule, `${what}: question ${index + 1}`),
    ),
  };
}

/**
 * @param {unknown} value
 * @param {readonly HomomorphicQuestion[]} questions
 * @param {string} rule
 */
function parseRules(value, questions, rule) {
  return requireList(value, rule, "steward: rules", questions.length).map((item, index) => {
    const word = requireFields(item, ["majority"], rule).majority;
    if (typeof word !== "string" || !MAJORITIES.includes(word)) {
      throw new MalformedError(rule, `steward: the rule of question ${index + 1} is not known`);
    }
    if (word !== "plurality" && questions[index].maximum > 1) {
      // The sums do not tell how many ballots chose anybody, so a share of ballots is not known.
      const detail = `question ${index + 1} has several seats, which only plurality decides`;
      throw new MalformedError(rule, `steward: ${detail}`);
    }
    return word;
  });
}

/**
 * @param {unknown} value
 * @param {Texts} main
 * @param {string} rule
 */
function parseTranslations(value, main, rule) {
  if (!isObject(value) || !Object.keys(value).length) {
    throw new MalformedError(rule, "steward: texts must be an object with at least one language");
  }
  const languages = Object.keys(value);
  const wrong = languages.find((language) => !isLanguage(language) || language === main.language);
  if (wrong !== undefined) {
    throw new MalformedError(rule, `steward: ${JSON.stringify(wrong.slice(0, 40))} is not another language's tag`);
  }
  if (languages.join() !== [...languages].sort().join()) {
    throw new MalformedError(rule, "steward: the languages of the texts are not sorted");
  }
  return Object.entries(value).map(([language, item]) => parseTexts(language, item, main, rule));
}

/**
 * @param {unknown} value
 * @param {string} rule
 * @returns {RecordTerms}
 */
function parseRecord(value, rule) {
  const { service_key: serviceKey, revotes } = requireFields(value, ["service_key", "revotes"], rule);
  parseBase64(serviceKey, rule, 32, "steward: service key");
  if (typeof revotes !== "boolean") throw new MalformedError(rule, "steward: revotes must be true or false");
  return { serviceKey: String(serviceKey), revotes };
}

/**
 * The language of the election's own texts, "" where nobody said it: only beside `record`, and without `texts`, which
 * would be in "another" language than an unknown one.
 * @param {import("./encoding.js").JsonObject} fields
 * @param {string} rule
 */
function parseLanguage(fields, rule) {
  if (!("language" in fields) && "record" in fields && !("texts" in fields)) return "";
  const { language } = fields;
  if (!isLanguage(language)) throw new MalformedError(rule, "steward: language must be a tag such as en or pt-BR");
  return language;
}

/**
 * @param {unknown} value
 * @param {readonly HomomorphicQuestion[]} questions
 * @param {string} rule
 */
function parseOrders(value, questions, rule) {
  const orders = requireList(value, rule, "steward: orders", questions.length).map((word) => {
    if (word !== "fixed" && word !== "rotated") throw new MalformedError(rule, "steward: an order is fixed or rotated");
    return word;
  });
  if (!orders.includes("rotated")) {
    throw new MalformedError(rule, "steward: the orders are left out where all are fixed");
  }
  return orders;
}

/**
 * @param {unknown} value
 * @param {string[]} languages
 * @param {string} rule
 * @param {string} what
 * @returns {Record<string, string>}
 */
function parseStatements(value, languages, rule, what) {
  const tags = isObject(value) ? Object.keys(value) : [];
  if (!isObject(value) || !tags.length || tags.join() !== [...tags].sort().join()) {
    throw new MalformedError(rule, `${what}: a statement must be an object with sorted languages, at least one`);
  }
  if (!tags.every((tag) => tag && languages.includes(tag))) {
    throw new MalformedError(rule, `${what}: a statement in a language that the election does not have`);
  }
  return Object.fromEntries(
    tags.map((tag) => {
      const text = requireShown(value[tag], rule, what);
      if (text.trim() === "") throw new MalformedError(rule, `${what}: a statement is empty`);
      return [tag, text];
    }),
  );
}

/**
 * @param {unknown} value
 * @param {readonly HomomorphicQuestion[]} questions
 * @param {string[]} languages
 * @param {string} rule
 * @returns {Candidate[][]}
 */
function parseCandidates(value, questions, languages, rule) {
  const groups = requireList(value, rule, "steward: candidates", questions.length).map((items, index) => {
    const what = `candidates of question ${index + 1}`;
    if (Array.isArray(items) && !items.length) return [];
    return requireList(items, rule, what, questions[index].answers.length).map((item, place) => {
      const named = `${what}, answer ${place + 1}`;
      const fields = requireFields(item, [], rule, { optional: ["statement", "photo"] });
      const { photo = "" } = fields;
      if (typeof photo !== "string" || ("photo" in fields && !/^[0-9a-f]{64}$/.test(photo))) {
        throw new MalformedError(rule, `${named}: photo must be a SHA-256 in 64 small hex digits`);
      }
      const statements = "statement" in fields ? parseStatements(fields.statement, languages, rule, named) : {};
      return { statements, photo };
    });
  });
  const isEmpty = (/** @type {Candidate} */ { photo, statements }) => !photo && !Object.keys(statements).length;
  if (!groups.some((group) => group.length) || groups.some((group) => group.length && group.every(isEmpty))) {
    throw new MalformedError(rule, "steward: candidates are left out where nothing is shown beside answers");
  }
  return groups;
}

/**
 * The value of `steward` → Presentation; the others are the election's own texts. MalformedError.
 * @param {unknown} value
 * @param {string} name
 * @param {string} description
 * @param {readonly (HomomorphicQuestion | UnsupportedQuestion)[]} questions
 * @param {string} rule
 * @returns {Presentation}
 */
export function parsePresentation(value, name, description, questions, rule) {
  const optional = ["language", "texts", "rules", "quorum", "record", "test", "orders", "candidates"];
  const fields = requireFields(value, ["version"], rule, { optional });
  if (fields.version !== 1) throw new MalformedError(rule, "steward: only version 1 is known");
  const language = parseLanguage(fields, rule);
  const known = questions.filter((question) => question instanceof HomomorphicQuestion);
  if (known.length !== questions.length) {
    throw new MalformedError(rule, "steward: version 1 is defined for questions that are counted by sums");
  }
  const own = {
    language,
    name: requireShown(name, rule, "name"),
    description: requireShown(description, rule, "description"),
    questions: known.map(({ question, answers }, index) => ({
      question: requireShown(question, rule, `question ${index + 1}`),
      answers: answers.map((answer) => requireShown(answer, rule, `an answer of question ${index + 1}`)),
    })),
  };
  let quorumPercent = null;
  if ("quorum" in fields) {
    const { percent } = requireFields(fields.quorum, ["percent"], rule);
    quorumPercent = requireInt(percent, rule, "steward: percent of the quorum", 1, 100);
  }
  if ("test" in fields && fields.test !== true) throw new MalformedError(rule, "steward: test is true, or left out");
  const translations = "texts" in fields ? parseTranslations(fields.texts, own, rule) : [];
  const languages = [language, ...translations.map((texts) => texts.language)];
  return {
    language,
    translations,
    rules: "rules" in fields ? parseRules(fields.rules, known, rule) : null,
    quorumPercent,
    record: "record" in fields ? parseRecord(fields.record, rule) : null,
    isTest: "test" in fields,
    orders: "orders" in fields ? parseOrders(fields.orders, known, rule) : null,
    candidates: "candidates" in fields ? parseCandidates(fields.candidates, known, languages, rule) : null,
  };
}
