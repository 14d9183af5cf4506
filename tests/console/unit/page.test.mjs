/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the console's page that need no browser. */
import assert from "node:assert/strict";
import {test} from "node:test";

import {ago, bytes, duration} from "../../../receiver/console/page/format.js";
import {link} from "../../../receiver/console/page/router.js";
import {visible} from "../../../receiver/console/page/text.js";

test("characters that hide or turn text are shown", () => {
    assert.equal(visible("Büro 中文 🖨"), "Büro 中文 🖨");
    assert.equal(visible("a\u202egpj.exe\u0007"), "a\\u{202e}gpj.exe\\u{7}");
    assert.equal(visible("\ud800x\u{e0041}\u200d"), "\\u{d800}x\\u{e0041}\\u{200d}");
    assert.equal(visible("line\nline\tend"), "line\nline\tend");
});

test("a duration has its two largest units", () => {
    assert.deepEqual([0, 59, 60, 3661, 90000, 864000].map(duration),
        ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h", "10 d"]);
});

test("times are given from now, also those of a clock that is ahead", () => {
    const now = Date.parse("2026-11-29T12:00:00Z");
    assert.equal(ago("2026-11-29T11:59:58Z", now), "now");
    assert.equal(ago("2026-11-29T10:58:00Z", now), "1 h 2 min ago");
    assert.equal(ago("2026-11-29T13:00:00Z", now), "in 1 h");
    assert.equal(ago(null, now), "never");
});

test("sizes have binary units", () => {
    assert.deepEqual([0, 1023, 1024, 1536, 2 ** 40].map(bytes),
        ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 TiB"]);
});

test("a link encodes every character of a name", () => {
    assert.equal(link(["node", "a/b?c#d%"], {sort: "-name", state: ""}),
        "#/node/a%2Fb%3Fc%23d%25?sort=-name");
});
