// The three families of failure, which say whose fault it is.
//
// A verification returns nothing or throws one of these; failure is never null or false.

/** Public input that breaks a numbered rule of docs/protocol.md. */
export class ProtocolError extends Error {
  /**
   * @param {string} rule the rule's id ("B7")
   * @param {string} detail a sentence for people
   * @param {string | null} [record] which record of the ledger is meant, where the caller knows it
   */
  constructor(rule, detail, record = null) {
    super(`${rule}: ${record ? `${record}: ` : ""}${detail}`);
    this.name = new.target.name;
    this.rule = rule;
    this.detail = detail;
    this.record = record;
  }

  /**
   * The same failure, with the place where it was found (an inner place is kept).
   * @param {string} record
   * @returns {ProtocolError}
   */
  at(record) {
    const Family = /** @type {typeof ProtocolError} */ (this.constructor);
    return new Family(this.rule, this.detail, this.record ?? record);
  }
}

/** Bad bytes: not in the format that the rule asks for. */
export class MalformedError extends ProtocolError {}

/** A well-formed claim that is false: a proof, a hash or an order does not hold. */
export class RejectedError extends ProtocolError {}

/** Our own caller's mistake, or a choice that the ballot does not offer; public input never causes it. */
export class MisuseError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "MisuseError";
  }
}
