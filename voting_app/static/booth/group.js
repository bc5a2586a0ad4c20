// Ed25519, written multiplicatively as in the papers: `multiply`, `power`. docs/protocol.md §2.
//
// The text of an element is its compressed point as 64 lower-case hex digits, most significant first: RFC 8032's
// bytes reversed. Text from outside becomes an Element through one door, `decode`, which checks the spelling and
// membership of the prime-order subgroup; so no proof needs to ask again. The multiplicative groups of the protocol
// are for the command line: a browser would be too slow in them.

import { ed25519 } from "../vendor/noble.js";
import { decodeHex, encodeHex, isSha256Hex, parseDecimal } from "./encoding.js";
import { MalformedError, RejectedError } from "./errors.js";

const { Point } = ed25519;
/** @typedef {InstanceType<typeof Point>} CurvePoint */

export const NAME = "Ed25519";
export const q = Point.Fn.ORDER;
// Larger tables take longer to make than one ballot gains by them.
const TABLE_WINDOW = 6;

/** A member of the prime-order group; only this file makes one. `text` is PROTOCOL's enc(X). */
export class Element {
  /** @type {string | undefined} */
  #text;

  /**
   * @param {CurvePoint} point
   * @param {string} [text] if it is known: to find it costs an inversion
   */
  constructor(point, text) {
    this.point = point;
    this.#text = text;
  }

  get text() {
    this.#text ??= encodeHex(this.point.toBytes().reverse());
    return this.#text;
  }

  get isIdentity() {
    return this.point.is0();
  }
}

export const IDENTITY = new Element(Point.ZERO);
export const GENERATOR = new Element(Point.BASE);

/**
 * The group of that name; MalformedError for one that the browser does not compute in.
 * @param {unknown} name
 * @param {string} rule
 */
export function requireGroup(name, rule) {
  if (name !== NAME) {
    const other = typeof name === "string" ? name.slice(0, 40) : "what was named";
    throw new MalformedError(rule, `the browser computes in ${NAME} only, not in ${other}`);
  }
}

/**
 * Text of a group member → Element; MalformedError or RejectedError under `rule`. The identity is refused unless
 * the caller's rule allows it.
 * @param {unknown} text
 * @param {string} rule
 * @param {string} what
 * @param {{ allowIdentity: boolean }} options
 * @returns {Element}
 */
export function decode(text, rule, what, { allowIdentity }) {
  // A hash has the same shape: 64 lower-case hex digits.
  if (!isSha256Hex(text)) throw new MalformedError(rule, `${what}: an Ed25519 element has 64 lower-case hex digits`);
  const point = decodePoint(text);
  if (point === null || !point.isTorsionFree()) {
    throw new RejectedError(rule, `${what}: not an element of the prime-order group`);
  }
  if (!point.is0()) return new Element(point, text);
  if (allowIdentity) return IDENTITY;
  throw new RejectedError(rule, `${what}: the identity is not allowed here`);
}

/**
 * @param {string} text
 * @returns {CurvePoint | null} null for what is no canonical text of a point of the curve
 */
function decodePoint(text) {
  try {
    return Point.fromBytes(decodeHex(text).reverse());
  } catch {
    return null;
  }
}

/**
 * A canonical decimal in [0, q).
 * @param {unknown} text
 * @param {string} rule
 * @param {string} what
 * @returns {bigint}
 */
export function parseScalar(text, rule, what) {
  const value = parseDecimal(text, rule, what);
  if (value >= q) throw new MalformedError(rule, `${what}: not below the group's order`);
  return value;
}

/**
 * @param {bigint} value
 * @returns {bigint} the residue in [0, q), also of a negative number
 */
export function reduce(value) {
  const rest = value % q;
  return rest < 0n ? rest + q : rest;
}

/**
 * a·b
 * @param {Element} a
 * @param {Element} b
 */
export function multiply(a, b) {
  return new Element(a.point.add(b.point));
}

/**
 * a^-1
 * @param {Element} a
 */
export function inverse(a) {
  return new Element(a.point.negate());
}

/**
 * a·b^-1
 * @param {Element} a
 * @param {Element} b
 */
export function divide(a, b) {
  return new Element(a.point.subtract(b.point));
}

/**
 * The product of all, the identity for none.
 * @param {Iterable<Element>} elements
 */
export function product(elements) {
  let total = Point.ZERO;
  for (const element of elements) total = total.add(element.point);
  return new Element(total);
}

/**
 * a^exponent for an exponent that may be secret: the same steps for every exponent but 0 and every base but the
 * identity, which the library refuses and which tell nothing that is not public.
 * @param {Element} a
 * @param {bigint} exponent
 */
export function power(a, exponent) {
  const reduced = reduce(exponent);
  if (reduced === 0n || a.isIdentity) return IDENTITY;
  return new Element(a.point.multiply(reduced));
}

/**
 * generator^exponent, for an exponent that may be secret.
 * @param {bigint} exponent
 */
export function powerG(exponent) {
  return power(GENERATOR, exponent);
}

/**
 * ∏ base^exponent in a time that depends on the exponents: for public numbers only.
 * @param {readonly (readonly [Element, bigint])[]} terms
 */
export function vartimeProductOfPowers(terms) {
  let total = Point.ZERO;
  for (const [base, exponent] of terms) total = total.add(base.point.multiplyUnsafe(reduce(exponent)));
  return new Element(total);
}

/**
 * The same element with a table that makes each later power of it several times faster; worth it from a dozen on.
 * The generator has one of its own.
 * @param {Element} a
 */
export function withTable(a) {
  // A point of its own, so that the table is freed together with what it belongs to.
  const point = Point.fromAffine(a.point.toAffine());
  return new Element(point.precompute(TABLE_WINDOW), a.text);
}

/**
 * Fixed-width bytes whose order is the protocol's order of elements (PROTOCOL §2, §5).
 * @param {Element} a
 * @returns {Uint8Array}
 */
export function sortKey(a) {
  return a.point.toBytes();
}
