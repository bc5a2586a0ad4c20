// @ts-check
/** Waiting for the next try. */

/** Ends of the waits that are under way. @type {Set<() => void>} */
const waits = new Set();

/** @param {number} milliseconds */
export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Waits for the time to pass, for the network to come back, or for the voter's tap.
 * @param {number} seconds
 */
export function rest(seconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, 1000 * seconds);
    addEventListener("online", done, { once: true });
    waits.add(done);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      waits.delete(done);
      resolve(undefined);
    }
  });
}

/** Ends all waits before the next try. */
export function wake() {
  for (const done of [...waits]) done();
}
