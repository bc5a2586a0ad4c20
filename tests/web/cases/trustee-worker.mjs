// A trustee's Worker from the page's side. Files are given as texts and come back as texts.
import { Blob } from "node:buffer";

import { Client } from "../../../voting_app/static/booth/client.js";
import { TrusteeWorker, serveFiles } from "../trustee-thread.mjs";

const ADDRESS = new URL("../../../voting_app/static/booth/trusteeWorker.js", import.meta.url);

let client = null;
let made = null;

function newClient(files) {
  const before = globalThis.Worker;
  globalThis.Worker = TrusteeWorker;
  serveFiles(files);
  client?.close();
  client = new Client(ADDRESS);
  globalThis.Worker = before;
}

/**
 * Calls one after the other, to the same Worker as before if `goesOn`; `made` as a file is the one that the Worker gave
 * last.
 */
export const trusteeCalls = async ({ calls, files, goesOn }) => {
  if (!goesOn) newClient(files);
  const outcomes = [];
  for (const { op, args } of calls) {
    const given = { ...args };
    if (given.file === "made") given.file = made;
    else if (typeof given.file === "string") given.file = new Blob([given.file]);
    const progress = [];
    try {
      const result = await client.call(op, given, (done, total) => progress.push([done, total]));
      if (result.file) {
        made = result.file;
        result.file = await made.text();
      }
      outcomes.push({ result, progress });
    } catch (error) {
      outcomes.push({ family: error.family, rule: error.rule, message: error.message, progress });
    }
  }
  return outcomes;
};

export const trusteeClose = () => client?.close();
