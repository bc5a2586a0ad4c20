// The second device: what it finds out with what the server answers.
import { Missing, findCode, openGivenUp } from "../../../voting_app/static/pages/check-opening.js";
import { Client } from "../../../voting_app/static/booth/client.js";
import { WebWorker } from "../web-worker.mjs";

export const checkFindCode = ({ text }) => findCode(text);

/** files: by address, as text; what is not there is missing, and null does not come. */
export async function checkOpening({ uuid, opened, files }) {
  globalThis.Worker = WebWorker;
  const client = new Client();
  const get = async (path) => {
    if (!(path in files)) throw new Missing();
    if (files[path] === null) throw new Error("no answer");
    return new TextEncoder().encode(files[path]).buffer;
  };
  try {
    const { contents, isGivenUp } = await openGivenUp(uuid, opened, { get, call: (op, args) => client.call(op, args) });
    return { contents, isGivenUp };
  } catch (error) {
    return error instanceof Missing ? "missing" : "failed";
  } finally {
    client.close();
  }
}
