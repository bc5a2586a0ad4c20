// Trustees: keys, channel, key files, the steps of the ceremony, the published record and its tally.
import * as ceremony from "../../../voting_app/static/booth/ceremony.js";
import * as channel from "../../../voting_app/static/booth/channel.js";
import * as decryption from "../../../voting_app/static/booth/decryption.js";
import { parseElection } from "../../../voting_app/static/booth/election.js";
import * as encoding from "../../../voting_app/static/booth/encoding.js";
import * as group from "../../../voting_app/static/booth/group.js";
import { readJournal } from "../../../voting_app/static/booth/journal.js";
import * as keyfile from "../../../voting_app/static/booth/keyfile.js";
import * as memory from "../../../voting_app/static/booth/memory.js";
import * as pedersen from "../../../voting_app/static/booth/pedersen.js";
import { SeedCoins, SystemCoins } from "../../../voting_app/static/booth/randomness.js";
import * as recount from "../../../voting_app/static/booth/recount.js";
import * as tally from "../../../voting_app/static/booth/tally.js";
import * as trusteeKey from "../../../voting_app/static/booth/trusteeKey.js";
import * as trustees from "../../../voting_app/static/booth/trustees.js";

const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const text = (raw) => new TextDecoder().decode(raw);
const element = (value) => group.decode(value, "T", "element", { allowIdentity: true });
const coinsOf = (seed) => (seed ? new SeedCoins(bytes(seed)) : new SystemCoins());
/** As the server's answers come: canonical JSON, read strictly. */
const strict = (json) => encoding.parseJson(encoding.utf8(json), "T8");

export const sealedSend = ({ signingKey, recipient, message, seed }) =>
  channel.send(BigInt(signingKey), element(recipient), message, coinsOf(seed));
export const sealedReceive = ({ decryptionKey, sender, sealed }) =>
  channel.receive(BigInt(decryptionKey), element(sender), sealed);

export const newTrusteeKey = ({ seed }) => {
  const { secret, key } = trusteeKey.generateKey(coinsOf(seed));
  return { secret: String(secret), key: encoding.encodeJson(trusteeKey.encodeTrusteeKey(key)) };
};
export const readTrusteeKey = ({ json }) => {
  const key = trusteeKey.parseTrusteeKey(strict(json));
  trusteeKey.verifyTrusteeKey(key);
  return encoding.encodeJson(trusteeKey.encodeTrusteeKey(key));
};
export const readSecretKey = ({ json }) => trusteeKey.encodeSecretKey(trusteeKey.parseSecretKey(json));
export const drillMake = ({ label, secret, nonce, seed }) =>
  trusteeKey.makeDrill(label, BigInt(secret), nonce, coinsOf(seed));
export const drillVerify = ({ label, key, nonce, proof }) =>
  trusteeKey.verifyDrill(label, element(key), nonce, proof);

export const makeCertificate = ({ seed, size, threshold, index, coins }) =>
  encoding.encodeJson(pedersen.makeCertificate(seed, { size, threshold, index }, coinsOf(coins)));
export const makeCoefficients = async ({ seed, certificates, threshold, index, coins, sealing }) => {
  const certs = strict(certificates);
  const message = await pedersen.makeCoefficients(seed, certs, threshold, index, coinsOf(coins), coinsOf(sealing));
  return { message: encoding.encodeJson(message), commitment: pedersen.coefficientCommitment(message.coefexps) };
};
export const makeVoutput = async ({ seed, certificates, threshold, vinput, index, coins, sealing }) => {
  const made = [seed, strict(certificates), threshold, strict(vinput), index, coinsOf(coins), coinsOf(sealing)];
  return encoding.encodeJson(await pedersen.makeVoutput(...made));
};
export const openPrivateKey = async ({ seed, sealed }) => String(await pedersen.openPrivateKey(seed, sealed));

export const readTrustees = ({ json }) => {
  const read = trustees.parseTrustees(encoding.utf8(json));
  trustees.verifyTrustees(read);
  return {
    again: text(trustees.encodeTrustees(read.items)),
    key: trustees.electionPublicKey(read).text,
    owners: read.owners.map(({ publicKey }) => publicKey.text),
    forms: read.oldForms,
    commitments: read.commitments,
    enough: [[], [1], [2, 3], [1, 2], [1, 2, 3]].map((owners) => read.isEnough(new Set(owners))),
  };
};

export const keyFile = ({ json }) => text(keyfile.encodeKeyFile(keyfile.parseKeyFile(encoding.utf8(json))));

/** A step of the ceremony: key file and inbox as texts. */
export const takeStep = async ({ inbox, file, seed }) => {
  const parsed = strict(inbox);
  const key = file ? keyfile.parseKeyFile(encoding.utf8(file)) : ceremony.newKey(parsed, coinsOf(seed));
  const done = await ceremony.takeStep(parsed, key, coinsOf(seed));
  return { file: text(keyfile.encodeKeyFile(done.key)), body: encoding.encodeJson(done.body) };
};
const readBox = (archive, chunk = 1000) => {
  const box = new recount.Box();
  const raw = bytes(archive);
  for (let start = 0; start < raw.length; start += chunk) box.feed(raw.subarray(start, start + chunk));
  box.close();
  return { box, raw };
};
export const takeDrill = async ({ inbox, file, archive, journal, seed }) => {
  const { election, trustees: all } = readBox(archive).box.setup;
  const { lines, reader } = readJournal(bytes(journal));
  const key = keyfile.parseKeyFile(encoding.utf8(file));
  if (key.journal) memory.requireSameJournal(key.journal, { lines, reader });
  const published = { election, trustees: all, journal: { height: lines.length - 1, head: reader.head } };
  const done = await ceremony.drill(key, strict(inbox), published, coinsOf(seed));
  return { file: text(keyfile.encodeKeyFile(done.key)), body: encoding.encodeJson(done.body) };
};

const verifyAll = ({ box, raw }, part = 2) => {
  const tasks = box.tasks();
  const textOf = ({ offset, length }) => raw.slice(offset, offset + length);
  const parts = [];
  for (let start = 0; start < tasks.length; start += part) {
    parts.push(recount.verifyPart(box.setup.election, tasks.slice(start, start + part), textOf));
  }
  return parts;
};
export const readRecord = ({ archive, journal, chunk }) => {
  const read = readBox(archive, chunk);
  const { box } = read;
  const parts = verifyAll(read);
  const own = box.tally ? recount.compareTally(box, parts) : null;
  if (journal) {
    const { lines, reader } = readJournal(bytes(journal));
    recount.checkJournal(box, lines, reader);
    if (own) for (const owner of box.partials.keys()) recount.requireStrongProofs(box, own, lines, owner);
  }
  return {
    state: box.state,
    heads: box.heads,
    ballots: box.ballots.length,
    counted: box.last.size,
    fingerprint: box.setup.election.fingerprint,
    tally: own && text(tally.encodeEncryptedTally(own)),
    owners: [...box.partials.keys()],
    length: box.length,
  };
};
export const knowJournal = ({ journal, known }) => {
  const { lines, reader } = readJournal(bytes(journal));
  memory.requireSameJournal(known, { lines, reader });
};
export const timeBallots = ({ archive }) => {
  const read = readBox(archive, 1 << 20);
  const start = process.cpuUsage();
  verifyAll(read, 32);
  return process.cpuUsage(start).user / 1000;
};

export const decryptTally = async ({ archive, file, seed }) => {
  const read = readBox(archive);
  const { election, trustees: all } = read.box.setup;
  const own = recount.compareTally(read.box, verifyAll(read));
  const key = keyfile.parseKeyFile(encoding.utf8(file));
  const done = await ceremony.decrypt(key, election, all, own, coinsOf(seed));
  return {
    file: text(keyfile.encodeKeyFile(done.key)),
    owner: done.owner,
    body: `{"partial_decryption":${text(done.partial)},"strong_proofs":${encoding.encodeJson(done.strong)}}`,
  };
};
export const partialMake = ({ election, tally: raw, secret, owner, seed }) => {
  const parsed = parseElection(encoding.utf8(election));
  const sum = tally.parseEncryptedTally(parsed, encoding.utf8(raw));
  const coins = coinsOf(seed);
  return {
    partial: text(decryption.makePartialDecryption(parsed, sum, BigInt(secret), coins)),
    strong: encoding.encodeJson(decryption.makeStrongProofs(parsed, sum, BigInt(secret), owner, coins)),
  };
};
export const partialVerify = ({ election, tally: raw, key, partial, strong }) => {
  const parsed = parseElection(encoding.utf8(election));
  const sum = tally.parseEncryptedTally(parsed, encoding.utf8(raw));
  const read = decryption.parsePartialDecryption(sum, encoding.utf8(partial));
  decryption.verifyPartialDecryption(parsed, sum, element(key), read);
  if (strong) decryption.verifyStrongProofs(parsed, sum, element(key), read, strict(strong));
  return true;
};
export const combine2 = ({ election, trustees: all, tally: raw, partials }) => {
  const parsed = parseElection(encoding.utf8(election));
  const sum = tally.parseEncryptedTally(parsed, encoding.utf8(raw));
  const entries = partials.map(([owner, item]) => [owner, decryption.parsePartialDecryption(sum, encoding.utf8(item))]);
  const read = trustees.parseTrustees(encoding.utf8(all));
  return decryption.combineFactors(read, sum, new Map(entries)).map((row) => row.map((factor) => factor.text));
};
export const lagrangeOf = ({ indices, index }) => String(decryption.lagrange(indices, index));
