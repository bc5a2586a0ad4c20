// A trustee's Worker in a thread of Node.js: as web-worker.mjs, with the published files in place of a server's answers.
//
// Its own Workers get the same files. A file may be changed between two calls, as a server's are.
import { readFileSync } from "node:fs";
import { Worker as Thread, isMainThread, parentPort, workerData } from "node:worker_threads";

let files = isMainThread ? {} : workerData.files;

/** address's end → path of the file. */
export function serveFiles(wanted) {
  files = wanted;
}

/** The beginning of an answer, and nothing more until somebody loses patience: that is measured in ms, not in s. */
function stall(signal) {
  const { setTimeout: wait } = globalThis;
  globalThis.setTimeout = (action, ms) => wait(action, ms / 1000);
  const start = (controller) => {
    controller.enqueue(new Uint8Array(1));
    signal.addEventListener("abort", () => controller.error(signal.reason));
  };
  return new globalThis.Response(new globalThis.ReadableStream({ start }));
}

async function answer(address, { headers = {}, signal } = {}) {
  const path = Object.entries(files).find(([end]) => address.endsWith(end))?.[1];
  if (!path) throw new TypeError("no such file");
  const body = readFileSync(path);
  if (body.equals(Buffer.from("stall"))) return stall(signal);
  const start = /^bytes=(\d+)-$/.exec(headers.Range ?? "")?.[1];
  if (start === undefined) return new globalThis.Response(body, { headers: { "Content-Length": String(body.length) } });
  if (Number(start) >= body.length) return new globalThis.Response(null, { status: 416 });
  return new globalThis.Response(body.subarray(Number(start)), { status: 206 });
}

export class TrusteeWorker {
  constructor(address) {
    this.thread = new Thread(new URL(import.meta.url), { workerData: { address: String(address), files } });
    this.thread.on("message", (data) => this.onmessage({ data }));
    this.thread.on("error", (error) => this.onerror({ message: error.message }));
  }

  postMessage(message) {
    this.thread.postMessage(message);
  }

  terminate() {
    this.thread.terminate();
  }
}

if (!isMainThread) {
  globalThis.self = { postMessage: (message) => parentPort.postMessage(message), navigator: { hardwareConcurrency: 3 } };
  globalThis.Worker = TrusteeWorker;
  globalThis.fetch = answer;
  await import(workerData.address);
  parentPort.on("message", (data) => globalThis.self.onmessage({ data }));
}
