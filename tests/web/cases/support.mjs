// The first program of the pages that take a secret from their address, in a window that only writes down what is done.
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";

const program = readFileSync(new URL("../../../voting_app/static/pages/support.js", import.meta.url), "utf8");

/**
 * A page is opened at `hash`, with `state` in its entry of the history, and then things happen to it:
 * ["link", hash] is opened in the same tab, ["break"]: the modules do not arrive, ["again"]: "Try again" is pressed,
 * ["take"]: the modules are there and ask. isAway: the server cannot be reached.
 */
export async function supportWalk({ hash = "", state = null, steps, isAway = false }) {
  const listeners = {};
  const listen = (type, react) => (listeners[type] ??= []).push(react);
  const tell = (type, event = {}) => listeners[type]?.forEach((react) => react(event));
  const found = { received: [], reloads: 0, box: null };
  const boxes = {};
  const location = { hash, pathname: "/vote", search: "?lang=es", reload: () => void (found.reloads += 1) };
  const history = {
    state,
    replaceState(next, _title, address) {
      history.state = next;
      location.hash = address.slice((address + "#").indexOf("#"));
    },
  };
  const document = {
    documentElement: {},
    createElement: () => ({ noModule: false }),
    getElementById: (id) => (boxes[id] ??= { hidden: true }),
    addEventListener: listen,
  };
  const window = {
    isSecureContext: true, crypto: { subtle: {} }, addEventListener: listen, document, location, history, Worker: class {},
    navigator: { locks: {} }, fetch: async () => (isAway ? Promise.reject(new Error("offline")) : { ok: true }),
  };
  window.window = window;
  runInNewContext(program, window);
  for (const [what, value] of steps) {
    if (what === "link") {
      location.hash = value;
      history.state = null;
      tell("hashchange");
    } else if (what === "break") tell("error", { target: { tagName: "SCRIPT" } });
    else if (what === "again") tell("click", { target: { id: "load-again" } });
    else found.received.push(window.takeFragments((fragment) => found.received.push(fragment)));
    // What is fetched has time to arrive.
    await new Promise((resolve) => globalThis.setTimeout(resolve, 0));
  }
  return { ...found, hash: location.hash, state: history.state, isTold: boxes["not-loaded"]?.hidden === false };
}
