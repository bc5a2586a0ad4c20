// Credentials, election data, ballots, checks, receipts and journals.
import * as ballots from "../../../voting_app/static/booth/ballot.js";
import * as challenge from "../../../voting_app/static/booth/challenge.js";
import * as credentials from "../../../voting_app/static/booth/credentials.js";
import * as elections from "../../../voting_app/static/booth/election.js";
import * as journal from "../../../voting_app/static/booth/journal.js";
import { HomomorphicQuestion } from "../../../voting_app/static/booth/questions.js";
import { SeedCoins, SystemCoins } from "../../../voting_app/static/booth/randomness.js";
import * as receipts from "../../../voting_app/static/booth/receipt.js";

const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const text = (raw) => Buffer.from(raw).toString("utf-8");
const electionOf = (hex) => elections.parseElection(bytes(hex));

export const credentialText = ({ typed }) => credentials.parseCredentialText(typed);
export const typingFault = ({ typed }) => credentials.findTypingFault(typed);
export const credential = ({ uuid, typed }) => [
  String(credentials.deriveSecret(uuid, typed)),
  credentials.derivePublic(uuid, typed).text,
];
export const credentialList = ({ hex, find }) => {
  let last = null;
  const list = credentials.parseCredentialList(bytes(hex), (done, total) => (last = [done, total]));
  const weights = find.map((key) => list.findWeight({ text: key })?.toString() ?? null);
  return {
    length: list.length,
    hasWeights: list.hasWeights,
    isSorted: list.isSorted,
    totalWeight: String(list.totalWeight),
    weights,
    last,
  };
};

export const election = ({ hex, fingerprint }) => {
  const parsed = electionOf(hex);
  if (fingerprint !== undefined) elections.requireFingerprint(parsed, fingerprint);
  const questions = parsed.questions.map((question) =>
    question instanceof HomomorphicQuestion
      ? [question.answers, question.minimum, question.maximum, question.question, question.blank]
      : question.kind,
  );
  const { uuid, name, description, administrator, credentialAuthority, unknownFields, presentation } = parsed;
  const y = parsed.publicKey.text;
  return {
    uuid, name, description, administrator, credentialAuthority, unknownFields, presentation, y, questions,
    fingerprint: parsed.fingerprint,
  };
};
export const texts = ({ hex }) => elections.allTexts(electionOf(hex));

export const votes = ({ election: hex, choices }) => ballots.votesFromChoices(electionOf(hex), choices);
export const makeBallot = ({ election: hex, credential: typed, votes: given, seed, signing, same }) => {
  const coins = seed ? new SeedCoins(bytes(seed)) : new SystemCoins();
  const progress = [];
  const options = { onProgress: (done, total) => progress.push([done, total]) };
  if (signing) options.signing = new SeedCoins(bytes(signing));
  if (same) options.signing = coins;
  return { ballot: text(ballots.makeBallot(electionOf(hex), typed, given, coins, options)), progress };
};
export const readBallot = ({ election: hex, ballot }) => {
  const parsed = ballots.parseBallot(electionOf(hex), bytes(ballot));
  return [parsed.credential.text, parsed.hash, parsed.tracker, ballots.ballotTracker(bytes(ballot))];
};
let last = { hex: null, parsed: null };
export const checkBallot = ({ election: hex, ballot }) => {
  if (last.hex !== hex) last = { hex, parsed: electionOf(hex) };
  return ballots.checkBallot(last.parsed, bytes(ballot)).tracker;
};

export const challengeCode = ({ tracker, seed, choices }) =>
  challenge.encodeChallenge({ tracker, seed: bytes(seed), choices });
export const readChallengeCode = ({ code }) => {
  const { tracker, seed, choices } = challenge.parseChallenge(code);
  return { tracker, seed: Buffer.from(seed).toString("hex"), choices };
};
export const openChallenge = ({ election: hex, ballot, code }) =>
  challenge.openChallenge(electionOf(hex), bytes(ballot), challenge.parseChallenge(code));

export const receipt = ({ hex, key }) => {
  const parsed = receipts.parseReceipt(bytes(hex));
  if (key !== undefined) receipts.verifyReceipt(parsed, key);
  return receipts.encodeReceipt(parsed);
};
export const receiptFor = ({ hex, election: uuid, tracker }) =>
  receipts.requireReceiptFor(receipts.parseReceipt(bytes(hex)), uuid, tracker);
export const signature = ({ key, message, signature: given }) =>
  receipts.verifySignature(key, bytes(message), given, "X1", "it");

export const readJournal = ({ hex }) => {
  const { lines, reader } = journal.readJournal(bytes(hex));
  const { election: uuid, serviceKey, state, linesSinceSeal, head } = reader;
  return { uuid, serviceKey, state, linesSinceSeal, head, commitments: [...reader.commitments], lines };
};
export const journalTables = () => ({
  kinds: Object.fromEntries(
    Object.entries(journal.KINDS).map(([kind, { fields, roles }]) => [kind, [Object.keys(fields), roles]]),
  ),
  changes: journal.STATE_CHANGES,
  restricted: journal.RESTRICTED,
});
