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

async function answer(address, { headers = {} } = {}) {
  const path = Object.entries(files).find(([end]) => address.endsWith(end))?.[1];
  if (!path) throw new TypeError("no such file");
  const body = readFileSync(path);
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
