// @ts-check
/**
 * Candidates' photos: fetched after everything that is needed to vote, compared with what the election data say, and only
 * then shown.
 *
 * All of them are fetched, one after the other in the order of the data, whatever is on the screen: what a browser asks
 * for must not tell whom its reader looks at.
 */
import { h } from "./dom.js";
import { _ } from "./texts.js";

/** SHA-256 → a data: address, "" for one that did not arrive or is another one. @type {Map<string, string>} */
const found = new Map();
let isFetching = false;

/**
 * @param {string} folder address in which they lie
 * @param {{ photo: string }[][] | null | undefined} candidates
 * @param {RequestCredentials} [credentials] who votes is nobody to the server; an officer sees drafts
 */
export async function fetchPhotos(folder, candidates, credentials = "omit") {
  if (isFetching) return;
  isFetching = true;
  const photos = new Set((candidates ?? []).flat().flatMap(({ photo }) => photo || []));
  for (const photo of photos) {
    if (found.get(photo)) continue;
    found.set(photo, await fetchPhoto(`${folder}/${photo}`, photo, credentials).catch(() => ""));
    fillPhotos(document);
  }
  isFetching = false;
}

/** @param {string} address @param {string} expected @param {RequestCredentials} credentials @returns {Promise<string>} */
async function fetchPhoto(address, expected, credentials) {
  const answer = await fetch(address, { credentials, redirect: "error" });
  const raw = await answer.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== expected) return "";
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = reject;
    reader.readAsDataURL(new Blob([raw], { type: "image/jpeg" }));
  });
}

/**
 * Shows those that are there in the places that wait for them.
 * @param {ParentNode} place
 */
export function fillPhotos(place) {
  for (const image of place.querySelectorAll("img[data-photo]")) {
    const source = found.get(image.getAttribute("data-photo") ?? "");
    if (source === undefined) continue;
    image.removeAttribute("data-photo");
    if (source) image.setAttribute("src", source);
    // The small one is a part of the name of what is chosen, where no more is said.
    else if (image.className === "photo") image.remove();
    else image.replaceWith(h("p", { class: "small muted" }, _("(no photo: it did not arrive, or is not the right one)")));
  }
}
