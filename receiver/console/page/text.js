/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters that change how other text looks, or that cannot be seen: controls, direction marks,
 * zero-width characters, line separators, tags, surrogates without a partner.
 */
const HIDDEN = new RegExp("[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e" +
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}" +
    "\\p{Surrogate}]", "gu");

/* The text with such characters shown as \u{…}. */
export function visible(text) {
    return text.replace(HIDDEN, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);
}
