// @ts-check
/**
 * What the booth asks the server, and what it takes for an answer. Nothing here is believed: what an answer says is
 * compared with the election data elsewhere; here it is only brought into a form that the rest can read.
 */

const PATIENCE_MS = 30_000;
/**
 * Who votes is nobody to the server: a browser in which an officer is logged in sends no cookie along.
 * @type {RequestInit}
 */
const NOBODY = { credentials: "omit", redirect: "error" };
const TRACKER = /^[A-Za-z0-9+/]{43}$/;

/** @typedef {{ status: number, body: any, wanted: number | null }} Answer wanted: seconds that the server asks to wait */
/**
 * The parts of /status that the booth reads.
 * @typedef {object} Status
 * @property {string} uuid
 * @property {string} group
 * @property {string} state
 * @property {string} service_key
 * @property {boolean} revoting
 * @property {string} time_zone
 * @property {string} closes_at
 * @property {string | null} closed_at
 * @property {{ state: string }} box
 */
/** @typedef {{ listed: boolean, tracker: string | null }} Standing tracker: of the last ballot, null if there is none */

/** No answer, or one that is none of ours: from a proxy, or a café's network. */
export class Unreachable extends Error {}

/** An answer of ours that cannot be read. It says no more than none does, so whoever tries again may do it here too. */
export class Unreadable extends Unreachable {}

/** A refusal of ours. */
export class Refused extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// --- reading -------------------------------------------------------------------------------------------------------

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === "string";
/** @param {unknown} value @returns {value is string} */
const isMoment = (value) => isText(value) && Number.isFinite(Date.parse(value));

/** @type {Record<string, (value: any) => boolean>} */
const STATUS = {
  uuid: isText,
  group: isText,
  state: isText,
  service_key: isText,
  revoting: (value) => typeof value === "boolean",
  time_zone: isText,
  closes_at: isMoment,
  closed_at: (value) => value === null || isMoment(value),
  box: (value) => isText(value?.state),
};

/**
 * The election's status, whose parts all are what the pages take them for.
 * @param {any} value
 * @returns {Status} Unreadable naming the first part that is not
 */
export function readStatus(value) {
  const wrong = Object.keys(STATUS).find((name) => !STATUS[name](value?.[name]));
  if (wrong) throw new Unreadable(`status: ${wrong}`);
  return value;
}

/**
 * @param {any} value
 * @returns {Standing} Unreadable
 */
export function readStanding(value) {
  const { listed, tracker } = value ?? {};
  if (typeof listed !== "boolean" || !(tracker === null || TRACKER.test(tracker))) throw new Unreadable("lookup");
  return { listed, tracker };
}

// --- asking --------------------------------------------------------------------------------------------------------

/** An end for a request that never ends: the next one may find a better connection. */
function limitPatience() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), PATIENCE_MS);
  return controller.signal;
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Uint8Array<ArrayBuffer>>} Unreachable or Refused
 */
async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...NOBODY, cache: "no-cache", ...options, signal: limitPatience() });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Unreachable();
  }
  const code = (await response.json().catch(() => null))?.code;
  if (typeof code !== "string" || response.status >= 500) throw new Unreachable();
  throw new Refused(code);
}

/** @param {string} path @param {RequestInit} [options] */
async function askJson(path, options) {
  const bytes = await ask(path, options);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new Unreadable("no JSON");
  }
}

/** The server of one election. */
export class Server {
  #api;

  /** @param {string} uuid */
  constructor(uuid) {
    this.#api = `/api/v1/elections/${uuid}`;
  }

  async fetchStatus() {
    return readStatus(await askJson(`${this.#api}/status`));
  }

  /**
   * A record that was published once and for all, byte for byte.
   * @param {"election" | "trustees"} name
   */
  fetchRecord(name) {
    return ask(`${this.#api}/${name}`);
  }

  /**
   * Where a public credential stands.
   * @param {string} credential
   */
  async lookUp(credential) {
    const body = JSON.stringify({ credential });
    const headers = { "Content-Type": "application/json" };
    return readStanding(await askJson(`${this.#api}/credentials/lookup`, { method: "POST", headers, body }));
  }

  /**
   * Sends a ballot, exactly as it is.
   * @param {"ballots" | "challenges"} where
   * @param {string} text
   * @returns {Promise<Answer>}
   */
  async post(where, text) {
    try {
      const response = await fetch(`${this.#api}/${where}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: text,
        ...NOBODY,
        signal: limitPatience(),
      });
      const seconds = Number(response.headers.get("Retry-After") ?? NaN);
      return { status: response.status, body: await response.json(), wanted: Number.isFinite(seconds) ? seconds : null };
    } catch {
      return { status: 0, body: null, wanted: null };
    }
  }
}
