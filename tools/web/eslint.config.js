// What the browser's modules are held to; types are tsc's business (tsconfig.json).
import js from "@eslint/js";

// What there is in a Worker and in Node.js as well.
const BROWSER = ["TextDecoder", "TextEncoder", "URL", "Worker", "atob", "btoa", "globalThis", "self"];
const NODE = ["Buffer", "TextDecoder", "TextEncoder", "URL", "console", "globalThis", "performance", "process"];
const named = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

const RULES = {
  ...js.configs.recommended.rules,
  curly: ["error", "multi-line"],
  eqeqeq: "error",
  "no-console": "error",
  "no-eval": "error",
  "no-implicit-coercion": "error",
  "no-useless-escape": "off",
  "no-var": "error",
  "prefer-const": "error",
  // Randomness comes from booth/randomness.js; texts never become markup.
  "no-restricted-properties": [
    "error",
    { object: "Math", property: "random", message: "Ask booth/randomness.js." },
    { property: "innerHTML", message: "Use textContent." },
    { property: "outerHTML", message: "Use textContent." },
    { property: "insertAdjacentHTML", message: "Use textContent." },
  ],
};

// Patterns are relative to the repository, where `make check-web` starts.
export default [
  { ignores: ["voting_app/static/vendor/**", "tools/web/node_modules/**"] },
  { files: ["voting_app/static/booth/**/*.js"], languageOptions: { globals: named(BROWSER) }, rules: RULES },
  // Pages may use all that a window has; tsc knows its names.
  { files: ["voting_app/static/pages/**/*.js"], rules: { ...RULES, "no-undef": "off" } },
  // Says that the browser is too old, and so must run in old ones.
  { files: ["voting_app/static/pages/support.js"], rules: { "no-var": "off" } },
  {
    files: ["tools/web/**/*.{js,mjs}", "tests/web/**/*.mjs"],
    languageOptions: { globals: named(NODE) },
    rules: { ...RULES, "no-console": "off" },
  },
];
