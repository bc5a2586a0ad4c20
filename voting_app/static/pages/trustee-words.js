// @ts-check
/** What a trustee's page says: steps, what is waited for, and every reason to stop, in the reader's language. */
import { _ } from "./texts.js";

/** @typedef {{ title: string, advice: string }} Sentences */
/** @typedef {import("./trustee-inbox.js").Inbox} Inbox */
/**
 * What this trustee's device found of the trustee's decryption: "" where it is not asked for.
 * @typedef {"" | "seen" | "missing" | "without" | "not-needed"} Part
 */

/** A short name of an act. @param {string} act @param {string} kind */
export function nameAct(act, kind) {
  /** @type {Record<string, string>} */
  const names = {
    certificate: _("Make your key"),
    commitment: kind === "single" ? _("Make your key") : _("Draw your part"),
    reveal: kind === "single" ? _("Show your public key") : _("Send your part"),
    share: _("Put your key together"),
    drill: _("Show that you have your key"),
    decryption: _("Open the result"),
  };
  return names[act] ?? act;
}

/** What an act is for. @param {string} act @param {string} kind */
export function explainAct(act, kind) {
  /** @type {Record<string, string>} */
  const sentences = {
    certificate: _("Your browser makes a secret key and a certificate, by which the other trustees know your messages. The key becomes a file that only you have; the certificate is sent."),
    commitment:
      kind === "single"
        ? _("Your browser makes your key, which becomes a file that only you have, and sends a hash of its public half. The hash binds you: nobody can choose a key after having seen the others'.")
        : _("Your browser draws your part of the election's key and sends a hash of what will be public of it. The hash binds you: nobody can choose a part after having seen the others'."),
    reveal:
      kind === "single"
        ? _("All trustees are bound now. Your browser notes to what, and sends your public key.")
        : _("All trustees are bound now. Your browser notes to what, and sends the public half of your part and a sealed letter for each trustee."),
    share: _("Your browser opens the letters of the other trustees, checks that each fits what its sender was bound to, and puts your key together."),
    drill: _("Before voting can open, you show that you still have your key file and that it works. Your browser also checks that your key is among the published ones."),
    decryption: _("Voting has closed. Your browser fetches the ballot box, checks every ballot in it, adds the encrypted ballots up by itself, and applies your key to the sum only: single ballots are never opened."),
  };
  return sentences[act] ?? "";
}

/** A trustee by name or by number. @param {{ owner: number, name: string | null }} trustee */
export function nameTrustee({ owner, name }) {
  return name ? _("%(name)s (trustee %(owner)s)", { name, owner }) : _("trustee %(owner)s", { owner });
}

/**
 * Why there is nothing to do at this moment. "Done" is said of what stands in the published record only.
 * @param {Inbox} inbox
 * @param {Part} part
 * @returns {Sentences}
 */
export function explainWaiting({ step, awaited }, part) {
  if (part === "missing") {
    return {
      title: _("Your part is not in the published record."),
      advice: _("Look again in a moment. If it stays away, tell the election committee and the other trustees."),
    };
  }
  if (part === "without") {
    return {
      title: _("The result was opened without your part."),
      advice: _("Enough other trustees have opened it. If you have sent your part, tell the election committee and the other trustees that it is missing."),
    };
  }
  const others = _("It goes on when they have done their part. You need not stay here: open your link again later.");
  /** @type {Record<string, Sentences>} */
  const sentences = {
    "wait-certificates": { title: _("Other trustees have to make their keys first."), advice: others },
    "wait-commitments": { title: _("Other trustees have to draw their parts first."), advice: others },
    "wait-reveals": { title: _("Other trustees have to send their parts first."), advice: others },
    "wait-shares": { title: _("Your key is complete. Other trustees have to finish theirs."), advice: others },
    "wait-keys-ready": {
      title: _("All keys are complete."),
      advice: _("The election committee now makes the election ready. After that you are asked to show that you have your key."),
    },
    "wait-close": {
      title: _("You are needed again when voting has closed."),
      advice: _("Keep your key file until then, in two safe places. Without enough key files nobody can ever tell the result."),
    },
    "wait-tally": {
      title: _("Voting has closed, and the encrypted ballots are being added up."),
      advice: _("This takes a moment. Then you are asked to open the sum."),
    },
    "wait-result": {
      title: _("You have done your part in opening the result."),
      advice: awaited.length ? _("The result is there as soon as enough trustees have done theirs.") : _("The result will be there in a moment."),
    },
    done: { title: _("Nothing more is asked of you."), advice: _("Keep your key file until the result is certified and nobody has objected.") },
  };
  return (part === "not-needed" ? null : sentences[step]) ?? sentences.done;
}

/** Whether another link is needed. @param {string} code of the problem document */
export function isAboutLink(code) {
  return ["not-authenticated", "forbidden", "not-your-election", "unknown-election"].includes(code);
}

/** Why the inbox could not be had. @param {string} code of the problem document, or "lost" @returns {Sentences} */
export function explainClosedDoor(code) {
  /** @type {Record<string, Sentences>} */
  const sentences = {
    "not-authenticated": {
      title: _("This link is not valid, or not any more."),
      advice: _("Perhaps a part of it is missing, or the committee has given you a newer one. Type or paste it again, or ask the election committee."),
    },
    forbidden: { title: _("This link is not a trustee's."), advice: _("Use the link that the election committee gave to you as a trustee.") },
    "not-your-election": { title: _("This link belongs to another election."), advice: _("Use the link that you were given for this one.") },
    "unknown-election": { title: _("There is no election with this address."), advice: _("Check your link, or ask the election committee.") },
    lost: { title: _("The server could not be reached."), advice: _("Check your connection and try again. Nothing was sent.") },
  };
  return sentences[code] ?? { title: _("The server did not answer as it should."), advice: _("Try again in a while. If that does not help, tell the election committee.") };
}

/** The server shows something that cannot be right: whoever goes on would help it. */
function stop() {
  return _("Your key was not used and nothing was sent. Stop here and tell the election committee and the other trustees what you see.");
}

/**
 * Why a step went no further.
 * @param {{ family?: string, rule?: string | null }} fault
 * @returns {Sentences & { isSerious: boolean }} serious: not a mistake with files or a connection
 */
export function explainFault({ family, rule }) {
  const code = String(rule ?? "");
  if (family === "Refusal") {
    const again = _("Choose the file that you saved last in this election.");
    /** @type {Record<string, Sentences>} */
    const mistakes = {
      "other-kind": { title: _("This is the key file of another trustee, or of another election."), advice: again },
      "other-place": { title: _("This is the key file of another trustee, or of another election."), advice: again },
      "not-a-trustee": { title: _("This key is none of the election's keys."), advice: again },
      used: { title: _("This key file was used in another ceremony."), advice: _("Every ceremony needs a new key. If the committee has started anew, make a new key; otherwise choose the file that you saved last.") },
      "not-committed": { title: _("This is an older copy of your key file."), advice: again },
      older: { title: _("This is an older copy of your key file."), advice: _("Choose the file that you saved last in this election, and destroy older copies: they do not know what they have to refuse.") },
      unfinished: { title: _("This is an older copy of your key file."), advice: again },
      "not-the-saved-file": { title: _("This is not the file that was just made."), advice: _("Save the file again if you cannot find it, then choose that one. Nothing is sent before.") },
      "no-connection": { title: _("The server could not be reached."), advice: _("Check your connection and try again. Nothing was sent.") },
      "bad-answer": explainClosedDoor("unknown"),
      "no-tally": { title: _("There is no sum to open now."), advice: _("Look again in a moment.") },
      "no-step": { title: _("There is nothing to do with your key now."), advice: _("Look again in a moment.") },
      "other-group": { title: _("This election's mathematics are too slow for browsers."), advice: _("Use the command steward-trustee on your computer.") },
      "other-tally": {
        title: _("Your key has opened another sum already."),
        advice: _("A second, different sum is refused: the difference of the two could tell single votes. Tell the election committee and the other trustees."),
      },
    };
    if (Object.hasOwn(mistakes, code)) return { ...mistakes[code], isSerious: code === "other-tally" };
    /** @type {Record<string, string>} */
    const lies = {
      "other-fingerprint": _("This is not the election for which you showed your key."),
      "other-election": _("The server shows another election."),
      "not-closed": _("By the published record there is nothing to open: the election was cancelled, or its result is there already."),
      "not-published": _("Your part was sent, but the published record does not have it."),
    };
    const advice = code === "not-published" ? _("Look again in a moment. If it stays away, tell the election committee and the other trustees.") : stop();
    return { title: lies[code] ?? _("The server shows something else than before."), advice, isSerious: true };
  }
  if (code === "T7") {
    return { title: _("This is no key file, or it is damaged."), advice: _("Choose the file that you saved last in this election, or its copy."), isSerious: false };
  }
  if (code === "T9") {
    return {
      title: _("Something that was published has been changed or taken back."),
      advice: _("The published record does not go on from what this device or your key file saw before. Your key was not used and nothing was sent. Stop here, and tell the other trustees and the observers what you see."),
      isSerious: true,
    };
  }
  if (/^(T8|T2|T3|T4|J6)$/.test(code)) {
    return { title: _("What the server shows of the other trustees is not right."), advice: stop(), isSerious: true };
  }
  if (code) return { title: _("The published record of the election is not right."), advice: stop(), isSerious: true };
  return { title: _("The program could not go on."), advice: _("Load the page again and try once more, or use another browser. Your key file is as it was."), isSerious: false };
}

/**
 * How many trustees it takes, and what that means.
 * @param {{ needed: number, count: number }} quorum
 */
export function explainQuorum({ needed, count }) {
  if (count === 1) return _("You alone open the result.");
  if (needed === count) return _("All %(count)s trustees are needed to open the result.", { count });
  if (needed === 1) return _("One of %(count)s trustees is enough to open the result, and single ballots too.", { count });
  return _("%(needed)s of %(count)s trustees open the result.", { needed, count });
}

/**
 * What this visit told about the published record and the visits before.
 * @param {{ isCompared: boolean, isKept: boolean }} visit
 */
export function explainVisit({ isCompared, isKept }) {
  if (isCompared) return _("The published record goes on from what this device saw before.");
  if (isKept) return _("This device has noted how far the published record has come, and will compare at your next visit.");
  return _("This browser keeps nothing between visits, so it cannot notice it when something that was published is changed or taken back. Keep copies of the published files.");
}
