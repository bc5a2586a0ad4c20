// What a page uses of a Worker: operations as promises.

/** What an operation threw: the class of the error, and the rule of docs/protocol.md where there is one. */
export class CallError extends Error {
  /** @param {{ family: string, rule: string | null, message: string }} error */
  constructor({ family, rule, message }) {
    super(message);
    this.name = "CallError";
    this.family = family;
    this.rule = rule;
  }
}

/**
 * @typedef {object} Call
 * @property {(result: any) => void} resolve
 * @property {(error: CallError) => void} reject
 * @property {((done: number, total: number) => void) | undefined} onProgress
 */

/** One Worker and the calls that wait for it. Make it anew after `close`. */
export class Client {
  /** @type {Map<number, Call>} */
  #waiting = new Map();
  #lastId = 0;
  #worker;
  /** @type {CallError | null} */
  #ended = null;

  /** @param {string | URL} [address] of another Worker than the voters' */
  constructor(address = new URL("worker.js", import.meta.url)) {
    this.#worker = new Worker(address, { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    // A module that did not load, or a browser that cannot run it: nobody may wait for ever.
    this.#worker.onerror = () => this.#end("WorkerFailed", "the browser could not run the program that encrypts");
    this.#worker.onmessageerror = () => this.#end("WorkerFailed", "an answer could not be read");
  }

  /**
   * @param {string} op
   * @param {object} [args]
   * @param {(done: number, total: number) => void} [onProgress]
   * @returns {Promise<any>} the result; rejected with CallError
   */
  call(op, args = {}, onProgress) {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject, onProgress });
      this.#worker.postMessage({ id, op, args });
    });
  }

  /** Ends the Worker, and with it whatever secret was in its memory; calls that wait are rejected. */
  close() {
    this.#end("Closed", "the work was cancelled");
  }

  /**
   * @param {{ id: number, progress?: { done: number, total: number }, result?: unknown,
   *   error?: { family: string, rule: string | null, message: string } }} message
   */
  #receive({ id, progress, result, error }) {
    const call = this.#waiting.get(id);
    if (!call) return;
    if (progress) {
      call.onProgress?.(progress.done, progress.total);
      return;
    }
    this.#waiting.delete(id);
    if (error) call.reject(new CallError(error));
    else call.resolve(result);
  }

  /**
   * @param {string} family
   * @param {string} message
   */
  #end(family, message) {
    this.#ended ??= new CallError({ family, rule: null, message });
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
