/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for the console's page: the mistakes that eslint finds, and the limits of the C code. */
import js from "@eslint/js";
import globals from "globals";

const MARKUP = "A text from a stranger must not become markup: use dom.js.";

export default [
    js.configs.recommended,
    {
        languageOptions: {ecmaVersion: 2024, sourceType: "module", globals: globals.browser},
        linterOptions: {reportUnusedDisableDirectives: "error"},
        rules: {
            "complexity": ["error", 14],
            "consistent-return": "off",
            "eqeqeq": "error",
            "max-len": ["error", {code: 100}],
            "max-lines": ["error", 200],
            "max-lines-per-function": ["error", 60],
            "max-params": ["error", 5],
            "no-eval": "error",
            "no-implied-eval": "error",
            "no-restricted-properties": ["error",
                {property: "innerHTML", message: MARKUP},
                {property: "outerHTML", message: MARKUP},
                {property: "insertAdjacentHTML", message: MARKUP},
                {object: "document", property: "write", message: MARKUP}],
            "no-shadow": "error",
            "no-unused-vars": "error",
            "no-var": "error",
            "prefer-const": "error",
        },
    },
    {
        files: ["**/*.mjs"],
        languageOptions: {globals: globals.node},
    },
];
