// Texts, coins, elements and proofs.
import * as disjunction from "../../../voting_app/static/booth/disjunction.js";
import * as elgamal from "../../../voting_app/static/booth/elgamal.js";
import * as encoding from "../../../voting_app/static/booth/encoding.js";
import * as group from "../../../voting_app/static/booth/group.js";
import * as randomness from "../../../voting_app/static/booth/randomness.js";
import * as schnorr from "../../../voting_app/static/booth/schnorr.js";
import * as transcript from "../../../voting_app/static/booth/transcript.js";

const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const element = (text) => group.decode(text, "T", "element", { allowIdentity: true });
const ciphertext = (value) => elgamal.parseCiphertext(value, "T", "ciphertext", { allowIdentity: true });

/** The text as it is written again, so that nothing is lost on the way to Python. */
export const readJson = ({ hex }) => {
  const raw = bytes(hex);
  const value = encoding.parseJson(raw, "X1");
  let again;
  try {
    again = encoding.encodeHex(encoding.encodeJsonBytes(value));
  } catch (error) {
    again = error.name; // a key that looks like a number can be read but not written
  }
  return { again };
};
export const writeJson = ({ value }) => encoding.encodeHex(encoding.encodeJsonBytes(value));
export const fields = ({ text, required, optional, order }) =>
  encoding.requireFields(encoding.parseJson(encoding.utf8(text), "X1"), required, "X2", { optional, order }) && true;
export const readBase64 = ({ text, length }) => encoding.encodeHex(encoding.parseBase64(text, "X1", length, "text"));
export const writeBase64 = ({ hex }) => encoding.encodeBase64(bytes(hex));
export const hashes = ({ hex }) => [encoding.sha256Hex(bytes(hex)), encoding.sha256Base64(bytes(hex))];
export const readDecimal = ({ text }) => String(encoding.parseDecimal(text, "X1", "text"));
export const readCounter = ({ text }) => {
  const number = encoding.parseCounter(encoding.parseJson(encoding.utf8(text), "X1"), "X2", "count");
  return encoding.encodeJson(encoding.encodeCounter(number));
};
export const looksLike = ({ text }) => [encoding.isBase58(text), encoding.isUuid(text), encoding.isSha256Hex(text)];

export const seedCoins = ({ seed, count }) => {
  const coins = new randomness.SeedCoins(bytes(seed));
  return Array.from({ length: count }, () => String(coins.scalar(group.q)));
};
export const systemCoins = ({ count, q }) => {
  const coins = new randomness.SystemCoins();
  return Array.from({ length: count }, () => String(coins.scalar(BigInt(q))));
};
export const randomTexts = () => ({
  seed: encoding.encodeHex(randomness.newSeed()),
  base58: randomness.newBase58(1000),
  trustee: randomness.newTrusteeSeed(),
  hex: randomness.newHex(16),
});

export const decode = ({ text, allowIdentity }) => group.decode(text, "X1", "element", { allowIdentity }).text;
export const laws = ({ a, b, exponent }) => {
  const [x, y, e] = [element(a), element(b), BigInt(exponent)];
  return {
    multiply: group.multiply(x, y).text,
    divide: group.divide(x, y).text,
    inverse: group.inverse(x).text,
    power: group.power(x, e).text,
    withTable: group.power(group.withTable(x), e).text,
    powerG: group.powerG(e).text,
    vartime: group.vartimeProductOfPowers([[x, e], [group.GENERATOR, e]]).text,
    product: group.product([x, y, y]).text,
    sortKey: encoding.encodeHex(group.sortKey(x)),
  };
};
export const scalar = ({ text }) => String(group.parseScalar(text, "X1", "scalar"));

export const prefixes = ({ x, y, alpha, beta, text }) => {
  const [X, Y] = [element(x), element(y)];
  const c = ciphertext({ alpha, beta });
  const s0 = transcript.ballotContext(text, X);
  const s = transcript.answerContext(s0, [c, c]);
  return [
    transcript.trusteeKey(X),
    transcript.ballotSignature(text),
    transcript.signedMessage(text),
    s0,
    s,
    transcript.individual(s0, c),
    transcript.overall(s, c),
    transcript.blank(s),
    transcript.overallOrBlank(s),
    transcript.decryption(text, X),
    transcript.strongDecryption(text, X, c.alpha, c.beta),
    transcript.keyDrill(text, X, "ab"),
    String(transcript.challenge(text, [X, Y])),
  ];
};

export const schnorrProve = ({ prefix, bases, secret, seed }) => {
  const coins = new randomness.SeedCoins(bytes(seed));
  return schnorr.encodeProof(schnorr.prove(prefix, bases.map(element), BigInt(secret), coins));
};
export const schnorrVerify = ({ prefix, statement, proof }) => {
  const pairs = statement.map((pair) => pair.map(element));
  schnorr.verify(prefix, pairs, schnorr.parseProof(proof, "X1", "proof"), "X2", "the proof");
};
export const encrypt = ({ y, message, randomness: r }) =>
  elgamal.encodeCiphertext(elgamal.encrypt(element(y), message, BigInt(r)));
export const combine = ({ a, b, exponent }) =>
  [
    elgamal.multiply(ciphertext(a), ciphertext(b)),
    elgamal.divide(ciphertext(a), ciphertext(b)),
    elgamal.power(ciphertext(a), BigInt(exponent)),
    elgamal.multiply(elgamal.NEUTRAL, ciphertext(a)),
  ].map(elgamal.encodeCiphertext);
export const readCiphertext = ({ value, allowIdentity }) =>
  elgamal.encodeCiphertext(elgamal.parseCiphertext(value, "X1", "ciphertext", { allowIdentity }));
export const disjunctionProve = ({ y, prefix, openings, trueBranch, seed }) => {
  const coins = new randomness.SeedCoins(bytes(seed));
  const branches = openings.map(({ randomness: r, message }) => ({ randomness: BigInt(r), message }));
  return disjunction.prove(element(y), prefix, branches, trueBranch, coins).map(schnorr.encodeProof);
};
export const disjunctionVerify = ({ y, prefix, branches, proofs }) => {
  const parsed = proofs.map((proof) => schnorr.parseProof(proof, "X1", "proof"));
  disjunction.verify(element(y), prefix, branches.map(ciphertext), parsed, "X2", "the proof");
};
