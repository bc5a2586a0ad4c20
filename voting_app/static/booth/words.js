// The first 128 bits of an election's fingerprint as eight words that people can read aloud and compare: proquints
// (Wilkerson, arXiv:0901.4016). The same as crypto/words.py; it stands alone, because every page that shows a
// fingerprint needs it.
import { MisuseError } from "./errors.js";

const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
const BYTES_IN_WORDS = 16;
// 32 bytes: the last of 43 signs has four bits only, so two of its six are always 0.
const FINGERPRINT = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]$/;

/** @param {number} bits sixteen */
function encodeWord(bits) {
  return (
    CONSONANTS[bits >> 12] +
    VOWELS[(bits >> 10) & 3] +
    CONSONANTS[(bits >> 6) & 15] +
    VOWELS[(bits >> 4) & 3] +
    CONSONANTS[bits & 15]
  );
}

/**
 * The eight words of a fingerprint; anything else is a caller's mistake.
 * @param {string} fingerprint base64 of 32 bytes, without padding
 * @returns {string}
 */
export function fingerprintWords(fingerprint) {
  if (typeof fingerprint !== "string" || !FINGERPRINT.test(fingerprint)) throw new MisuseError("no fingerprint");
  const bytes = atob(fingerprint);
  const found = [];
  for (let place = 0; place < BYTES_IN_WORDS; place += 2) {
    found.push(encodeWord((bytes.charCodeAt(place) << 8) | bytes.charCodeAt(place + 1)));
  }
  return found.join(" ");
}
