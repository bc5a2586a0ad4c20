// Questions of an election (PROTOCOL §4).
//
// Questions are counted by adding encrypted 0/1 choices. Ranked (`NonHomomorphic`) and `Lists` questions are
// recognised, kept as read, and reported as unsupported for now.

import { isObject, requireFields, requireInt, requireList, requireText } from "./encoding.js";
import { MalformedError, MisuseError } from "./errors.js";

const FIELDS = ["answers", "blank", "min", "max", "question"];
const UNSUPPORTED_KINDS = ["NonHomomorphic", "Lists"];

/**
 * Choose between `minimum` and `maximum` of the answers, or vote blank where allowed.
 *
 * On a ballot it has one ciphertext per answer, preceded by one for "blank" if `blank`.
 */
export class HomomorphicQuestion {
  /**
   * @param {readonly string[]} answers
   * @param {number} minimum
   * @param {number} maximum
   * @param {string} question
   * @param {boolean} blank
   */
  constructor(answers, minimum, maximum, question, blank) {
    this.answers = answers;
    this.minimum = minimum;
    this.maximum = maximum;
    this.question = question;
    this.blank = blank;
  }

  /** How many ciphertexts the question has on a ballot. */
  get choiceCount() {
    return this.answers.length + Number(this.blank);
  }

  /** The place of the first answer's ciphertext: 1 where the blank vote comes first. */
  get firstAnswer() {
    return Number(this.blank);
  }

  /**
   * The rule a voter must obey; MisuseError with a sentence otherwise.
   * @param {readonly number[]} vote one 0 or 1 for each ciphertext
   * @param {string} where
   */
  requireVote(vote, where) {
    if (vote.length !== this.choiceCount || vote.some((value) => value !== 0 && value !== 1)) {
      throw new MisuseError(`${where}: one 0 or 1 is needed for each of ${this.choiceCount} choices`);
    }
    const chosen = sum(vote.slice(this.firstAnswer));
    if (this.blank && vote[0]) {
      if (chosen) throw new MisuseError(`${where}: a blank vote cannot choose anybody`);
    } else if (chosen < this.minimum || chosen > this.maximum) {
      throw new MisuseError(`${where}: choose between ${this.minimum} and ${this.maximum}, not ${chosen}`);
    }
  }
}

/** A question of a kind that is verified by a later version of this program. */
export class UnsupportedQuestion {
  /** @param {string} kind */
  constructor(kind) {
    this.kind = kind;
  }
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * @param {unknown} value
 * @param {string} rule
 */
function parseHomomorphic(value, rule) {
  const fields = requireFields(value, ["answers", "min", "max", "question"], rule, { order: FIELDS });
  const answers = requireList(fields.answers, rule, "answers");
  if (!answers.length) throw new MalformedError(rule, "a question without answers");
  const blank = "blank" in fields ? fields.blank : false;
  if (typeof blank !== "boolean") throw new MalformedError(rule, "blank: true or false was expected");
  const maximum = requireInt(fields.max, rule, "max", 0, answers.length);
  return new HomomorphicQuestion(
    answers.map((answer) => requireText(answer, rule, "answer")),
    requireInt(fields.min, rule, "min", 0, maximum),
    maximum,
    requireText(fields.question, rule, "question"),
    blank,
  );
}

/**
 * The `questions` array of election data; MalformedError under `rule`.
 * @param {unknown} value
 * @param {string} rule
 * @returns {(HomomorphicQuestion | UnsupportedQuestion)[]}
 */
export function parseQuestions(value, rule) {
  const questions = requireList(value, rule, "questions").map((item) => {
    if (!isObject(item) || !("type" in item)) return parseHomomorphic(item, rule);
    const { type } = requireFields(item, ["type", "value"], rule, { optional: ["extra"] });
    if (typeof type !== "string" || !UNSUPPORTED_KINDS.includes(type)) {
      const other = typeof type === "string" ? JSON.stringify(type.slice(0, 40)) : "";
      throw new MalformedError(rule, `unknown type of question ${other}`);
    }
    return new UnsupportedQuestion(type);
  });
  if (!questions.length) throw new MalformedError(rule, "an election without questions");
  return questions;
}
