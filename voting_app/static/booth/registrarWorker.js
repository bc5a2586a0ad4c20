// The Worker in which the registrar's credentials are made and read.
//
// The same messages as worker.js: {id, op, args} in; {id, progress}, {id, result} or {id, error} out. Nothing here speaks
// with a server. The page gets files to save, the public list, and, to print sheets, the codes of the members it names.

import { allTexts, parseElection } from "./election.js";
import { parseUtf8, sha256Base64, sha256Hex, utf8 } from "./encoding.js";
import { MisuseError, ProtocolError } from "./errors.js";
import { FileFault, makeFile, makeList, readFile } from "./issuing.js";
import { RULE } from "./tables.js";

/** @typedef {import("./issuing.js").Voter} Voter */
/** @typedef {import("./issuing.js").OnProgress} OnProgress */

// A million rows of a long number and a credential.
const LARGEST_FILE = 2 ** 27;

/** @type {Record<string, (args: any, onProgress: OnProgress) => unknown>} */
const OPERATIONS = {
  /**
   * New credentials: the file's bytes, to be saved before anything is sent.
   * @param {{ voters: Voter[] }} args
   */
  make({ voters }) {
    return { file: utf8(makeFile(voters)) };
  },

  /**
   * The public list of a saved file, its hash as the server writes it, and as people compare it.
   * @param {{ uuid: string, voters: Voter[], file: Blob }} args
   * @param {OnProgress} onProgress
   */
  async list({ uuid, voters, file }, onProgress) {
    const list = makeList(uuid, voters, readFile(await bytesOf(file), voters), onProgress);
    return { list, hash: sha256Hex(utf8(list)), fingerprint: sha256Base64(utf8(list)) };
  },

  /**
   * The codes, where the file is the very one whose list is in the ballot box of this election.
   * @param {{ uuid: string, voters: Voter[], file: Blob, election: ArrayBuffer, published: ArrayBuffer }} args
   * @param {OnProgress} onProgress
   */
  async open({ uuid, voters, file, election: raw, published }, onProgress) {
    const election = parseElection(new Uint8Array(raw));
    const credentials = readFile(await bytesOf(file), voters);
    const list = makeList(uuid, voters, credentials, onProgress);
    if (election.uuid !== uuid || list !== parseUtf8(new Uint8Array(published), RULE)) throw new FileFault("another");
    const texts = allTexts(election);
    const isTest = election.presentation?.isTest ?? false;
    return { fingerprint: election.fingerprint, codes: credentials, texts, isTest };
  },
};

/** @param {Blob} file */
async function bytesOf(file) {
  if (file.size > LARGEST_FILE) throw new FileFault("columns");
  return new Uint8Array(await file.arrayBuffer());
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof FileFault) return { family: error.name, rule: error.code, message: error.message };
  if (error instanceof ProtocolError) return { family: error.name, rule: error.rule, message: error.message };
  if (error instanceof Error) return { family: error.name, rule: null, message: error.message };
  return { family: "Error", rule: null, message: String(error) };
}

self.onmessage = async ({ data: { id, op, args } }) => {
  let shown = -1;
  /** @type {OnProgress} */
  const onProgress = (done, total) => {
    const percent = Math.floor((100 * done) / total);
    if (percent > shown) self.postMessage({ id, progress: { done, total } });
    shown = percent;
  };
  try {
    if (!Object.hasOwn(OPERATIONS, op)) throw new MisuseError(`the worker has no operation ${op}`);
    self.postMessage({ id, result: await OPERATIONS[op](args, onProgress) });
  } catch (error) {
    self.postMessage({ id, error: describe(error) });
  }
};
