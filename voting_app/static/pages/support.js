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

  // "#main" is the skip link's. Everything else may be a secret: it must not stay in the address bar and the history
  // while the modules are on their way.
  var fragment = location.hash.slice(1);
  if (fragment && fragment !== "main") history.replaceState(null, "", location.pathname + location.search);
  else fragment = "";
  /** Gives the fragment to the first who asks, once. */
  /** @type {any} */ (window).takeFragment = function () {
    var taken = fragment;
    fragment = "";
    return taken;
  };

  // A module that does not arrive says so by an event that does not bubble.
  window.addEventListener("error", function (event) {
    var target = /** @type {any} */ (event.target);
    if (target && target.tagName === "SCRIPT") tell("not-loaded");
  }, true);
})();
