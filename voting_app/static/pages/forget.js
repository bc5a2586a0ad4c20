/*
 * The only program of pages that refuse something, in a language that every browser understands. A link with a wrong
 * address still has its code: it must not stay in the address bar and in the tab's history until somebody looks there.
 * It is kept nowhere, because this page has no use for it.
 */
(function () {
  "use strict";

  function forget() {
    // "#main" is the skip link's.
    if (location.hash.length < 2 || location.hash === "#main") return;
    history.replaceState(null, "", location.pathname + location.search);
  }

  forget();
  // The same wrong address with another code is not loaded anew.
  window.addEventListener("hashchange", forget);
})();
