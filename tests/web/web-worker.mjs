// A browser's Worker on top of Node's threads, as far as booth/client.js and the workers use it.
import { Worker as Thread, isMainThread, parentPort, workerData } from "node:worker_threads";

if (!isMainThread) {
  globalThis.self = { postMessage: (message) => parentPort.postMessage(message) };
  // Messages wait until somebody listens, as a browser's wait for the module.
  await import(workerData);
  parentPort.on("message", (data) => globalThis.self.onmessage({ data }));
}

export class WebWorker {
  constructor(address, { type }) {
    if (type !== "module") throw new Error("modules only");
    this.thread = new Thread(new URL(import.meta.url), { workerData: String(address) });
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
