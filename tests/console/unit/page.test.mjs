/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the console's page that need no browser. */
import assert from "node:assert/strict";
import {test} from "node:test";

import {axisEnd, pathOf} from "../../../receiver/console/page/chart.js";
import {ago, bytes, duration} from "../../../receiver/console/page/format.js";
import {everyHour} from "../../../receiver/console/page/history.js";
import {link} from "../../../receiver/console/page/router.js";
import {sentValue, shownValue} from "../../../receiver/console/page/setting_editor.js";
import {visible} from "../../../receiver/console/page/text.js";

const HOUR_MS = 3600000;

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

test("the axis ends at a round number that is not below the value", () => {
    assert.deepEqual([0, 1, 1.1, 20, 21, 99, 0.03].map(axisEnd), [1, 1, 2, 20, 50, 100, 0.05]);
});

test("what was not measured is a gap in the line, and a single point a dot", () => {
    assert.equal(pathOf([null, null], 1), "");
    assert.equal(pathOf([0, 1, null, 1], 1, 352),
        "M52.0 138.0L152.0 8.0M352.0 8.0h0.1");
});

test("hours without a record are zero, and what they did not measure is unknown", () => {
    const now = Date.parse("2026-11-29T12:34:56Z");
    const items = [{at: "2026-11-29T09:00:00Z", pushes: 3, inserted: 1, lag_max_ms: 5,
        queue_max: 2}];
    const hours = everyHour(items, now);
    assert.deepEqual(hours.map((one) => one.pushes), [3, 0, 0, 0]);
    assert.deepEqual(hours.map((one) => one.lag_max_ms), [5, null, null, null]);
    assert.deepEqual(everyHour([], now), []);
    const old = [{...items[0], at: new Date(now - 1000 * HOUR_MS).toISOString()}];
    assert.equal(everyHour(old, now).length, 168);
});

test("a list is shown one entry a line, and sent as JSON", () => {
    const list = {kind: "list"};
    assert.equal(shownValue(list, '["a","b"]'), "a\nb");
    assert.equal(shownValue(list, '["a","b, c"]'), '["a","b, c"]');
    assert.equal(sentValue(list, "internet, 00:11:22:33:44:55 "), "internet, 00:11:22:33:44:55");
    assert.equal(shownValue(list, "internet"), "internet");
    assert.equal(sentValue(list, " a\n\nb, c "), '["a","b, c"]');
    assert.equal(sentValue(list, " ['a', 'b']\n"), " ['a', 'b']\n");
    assert.equal(sentValue({kind: "number"}, " 7"), " 7");
});
