import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**", "!static/", "!static/js/**", "!tests/", "!tests/js/**", "!*.js"] },
  js.configs.recommended,
  {
    files: ["static/js/*.js"],
    languageOptions: { globals: { ...globals.browser, htmx: "readonly" } },
  },
  { files: ["*.js", "tests/js/*.js"], languageOptions: { globals: { ...globals.node, document: "readonly", localStorage: "readonly" } } },
];
