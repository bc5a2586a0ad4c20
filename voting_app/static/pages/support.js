/*
 * The first program of the booth's pages, in a language that every browser understands. It takes the secret out of the
 * address bar before anything else happens, and tells when the other programs cannot run or did not arrive.
 */
(function () {
  "use strict";
  var root = document.documentElement;

  /** @param {string} name of the box that says what is wrong */
  function tell(name) {
    root.className = name;
    var box = document.getElementById(name);
    if (box) box.hidden = false;
  }

  // What the modules use; a browser that lacks one of these stumbles over their text or cannot run them in a Worker.
  var script = document.createElement("script");
  var isAble =
    "noModule" in script &&
    typeof BigInt === "function" &&
    typeof Worker === "function" &&
    typeof Object.hasOwn === "function" &&
    typeof Array.prototype.at === "function" &&
    "locks" in navigator &&
    window.isSecureContext === true &&
    Boolean(window.crypto && window.crypto.subtle);

  if (!isAble) {
    // The address stays as it is: the reader will copy it to another browser.
    document.addEventListener("DOMContentLoaded", function () { tell("too-old"); });
    return;
  }

  root.className = "able";

  // The last one that came, until somebody has asked for it.
  var fragment = "";
  /** @type {((fragment: string) => void) | null} */
  var receiver = null;
  var isBroken = false;

  /** @param {object | null} state of the entry in the tab's history, whose address has no fragment */
  function clean(state) {
    history.replaceState(state, "", location.pathname + location.search);
  }

  // "#main" is the skip link's. Everything else may be a secret: it must not stay in the address bar and the history
  // while the modules are on their way, nor when they never arrive.
  function strip() {
    var found = location.hash.slice(1);
    if (!found || found === "main") return "";
    clean(null);
    return found;
  }

  // Handed over by the page that was loaded before this one.
  var kept = history.state && history.state.fragment;
  fragment = strip() || kept || "";
  if (typeof kept === "string") clean(null);

  // Another link was opened in this tab: only the fragment changes, and the page stays.
  window.addEventListener("hashchange", function () {
    var found = strip();
    if (!found) return;
    if (receiver) receiver(found);
    else fragment = found;
    if (isBroken) loadAgain();
  });

  /**
   * Gives the fragment to the first who asks, once, and each later one as soon as it comes.
   * @param {(fragment: string) => void} receive
   */
  function takeFragments(receive) {
    var taken = fragment;
    fragment = "";
    receiver = receive;
    return taken;
  }
  /** @type {any} */ (window).takeFragments = takeFragments;

  // The page that comes finds the fragment in the state of the tab's present entry, which neither the address bar nor
  // the list of visited pages shows, and empties it at once. Without a connection nothing would empty it: it stays here.
  function loadAgain() {
    fetch(location.pathname + location.search, { cache: "reload", credentials: "omit" }).then(
      function (answer) {
        if (!answer.ok) return;
        clean({ fragment: fragment });
        location.reload();
      },
      function () {},
    );
  }

  // A module that does not arrive says so by an event that does not bubble.
  window.addEventListener("error", function (event) {
    var target = /** @type {any} */ (event.target);
    if (!target || target.tagName !== "SCRIPT") return;
    isBroken = true;
    tell("not-loaded");
  }, true);
  document.addEventListener("click", function (event) {
    if (/** @type {any} */ (event.target).id === "load-again") loadAgain();
  });
})();
