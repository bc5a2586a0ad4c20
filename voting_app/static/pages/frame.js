// @ts-check
/** The frame around a page whose program must not be left: changing the language there must not load a new page. */
import { _, loadTexts } from "./texts.js";

/**
 * The links to other languages change the words where the reader is; a new page would forget what only this one knows.
 * @param {() => string} title of the page
 * @param {(language: string) => void} redraw
 */
export function keepPageInOtherLanguages(title, redraw) {
  const organisation = document.title.split(" · ").slice(1).join(" · ");
  let clicks = 0;
  document.querySelector("nav.languages")?.addEventListener("click", async (event) => {
    const link = /** @type {Element} */ (event.target).closest("a");
    if (!(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    const mine = ++clicks;
    await loadTexts(link.hreflang);
    // Another language was chosen meanwhile.
    if (mine !== clicks) return;
    document.documentElement.lang = link.hreflang;
    history.replaceState(history.state, "", `${location.pathname}?lang=${encodeURIComponent(link.hreflang)}`);
    for (const other of document.querySelectorAll("nav.languages a")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    /** @type {[string, string][]} */
    const frame = [
      [".skip", _("Skip to the content")],
      ["footer p:nth-of-type(1)", _("Every ballot is encrypted on the voter's device, and everybody can check the count.")],
      ["footer p:nth-of-type(2)", _("These pages set no cookies and load nothing from elsewhere.")],
    ];
    for (const [selector, text] of frame) {
      const element = document.querySelector(selector);
      if (element) element.textContent = text;
    }
    document.querySelector("nav.languages")?.setAttribute("aria-label", _("Language"));
    document.title = `${title()} · ${organisation}`;
    redraw(link.hreflang);
  });
}

/**
 * A browser may keep a page as it was left, and show it again to whoever taps "back" on the device: with the code that
 * was given, and what was chosen. It begins anew instead, as it does in browsers that keep nothing.
 * @param {HTMLElement} place where the program draws
 * @param {() => boolean} mayForget whether nothing gets lost by it
 */
export function comeBackEmpty(place, mayForget) {
  addEventListener("pagehide", ({ persisted }) => {
    if (persisted && mayForget()) place.replaceChildren();
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && mayForget()) location.reload();
  });
}
