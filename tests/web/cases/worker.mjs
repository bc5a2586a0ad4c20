// The Worker and its client, in a thread of its own.
import { Client } from "../../../voting_app/static/booth/client.js";
import { WebWorker } from "../web-worker.mjs";

globalThis.Worker = WebWorker;

async function outcome(promise) {
  try {
    return { result: await promise };
  } catch (error) {
    return { name: error.name, family: error.family, rule: error.rule, message: error.message };
  }
}

/** Calls one after the other in one Worker. */
export const workerCalls = async ({ calls, address }) => {
  const client = address ? new Client(new URL(address, import.meta.url)) : new Client();
  const outcomes = [];
  for (const { op, args } of calls) {
    const progress = [];
    const found = await outcome(client.call(op, args, (done, total) => progress.push([done, total])));
    outcomes.push({ ...found, progress });
  }
  client.close();
  return outcomes;
};

/** Calls at the same time; answers find their callers. */
export const workerTogether = async ({ calls }) => {
  const client = new Client();
  const outcomes = await Promise.all(calls.map(({ op, args }) => outcome(client.call(op, args))));
  client.close();
  return outcomes;
};

/** Closed while something is under way, and asked again afterwards. */
export const workerClosed = async ({ calls }) => {
  const client = new Client();
  const waiting = calls.map(({ op, args }) => outcome(client.call(op, args)));
  client.close();
  client.close();
  return [...(await Promise.all(waiting)), await outcome(client.call("prepare", {}))];
};
