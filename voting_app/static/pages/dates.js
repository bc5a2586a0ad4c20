// @ts-check
/** Moments in the reader's words. */

/**
 * The zone, or UTC where this browser does not know it: an older phone lacks newer zones, and its owner votes too.
 * @param {string} zone
 */
function findZone(zone) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}

/**
 * In the election's time zone, with the zone's name: all members read the same words, wherever they are.
 *
 * @param {string} moment as the server writes it
 * @param {string} zone
 * @param {string} language
 * @returns {string}
 */
export function describeMoment(moment, zone, language) {
  const at = new Date(moment);
  const timeZone = findZone(zone);
  const text = new Intl.DateTimeFormat(language, { timeZone, dateStyle: "full", timeStyle: "short" }).format(at);
  const parts = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: "long" }).formatToParts(at);
  return `${text} (${parts.find(({ type }) => type === "timeZoneName")?.value ?? timeZone})`;
}

/**
 * The same on the reader's own clock, or null where the two clocks show the same.
 *
 * @param {string} moment
 * @param {string} zone
 * @param {string} language
 * @returns {string | null}
 */
export function describeOwnMoment(moment, zone, language) {
  const at = new Date(moment);
  /** @param {string | undefined} timeZone */
  const write = (timeZone) => new Intl.DateTimeFormat(language, { timeZone, dateStyle: "full", timeStyle: "short" }).format(at);
  const own = write(undefined);
  return own === write(findZone(zone)) ? null : own;
}
