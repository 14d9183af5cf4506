/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the page's actions that need no browser. */
import assert from "node:assert/strict";
import {test} from "node:test";

import {durationText, readDuration} from "../../../receiver/console/page/durations.js";
import {labelsText, readLabels} from "../../../receiver/console/page/labels.js";
import {composeText, dockerText, settingsText} from "../../../receiver/console/page/node_setup.js";

test("durations are written and read", () => {
    for (const text of ["90s", "15m", "12h", "7d"])
        assert.equal(durationText(readDuration(text)), text);
    assert.equal(durationText(null), "");
    assert.equal(readDuration(" "), null);
    for (const text of ["soon", "7", "7w", "-1d", "1 d"])
        assert.throws(() => readDuration(text), /15m/, text);
});

test("labels are written and read, also those with spaces, quotes and equals signs", () => {
    assert.deepEqual(readLabels(" site=Berlin  floor=2 "), {site: "Berlin", floor: "2"});
    for (const labels of [{}, {a: "b"}, {a: "b c", d: 'e"f'}, {a: "=", b: "c=d", e: "\\"}])
        assert.deepEqual(readLabels(labelsText(labels)), labels);
    for (const text of ["site", "=x", 'a="b', "site=x y"])
        assert.throws(() => readLabels(text), Error, text);
});

test("a node's settings survive the shell and Compose", () => {
    const settings = [["SYNC_node_name", "O'Brien $x \"y\""], ["SYNC_devices", "True"]];
    assert.equal(settingsText(settings), "SYNC_node_name=O'Brien $x \"y\"\nSYNC_devices=True");
    assert.ok(dockerText(settings, "i").includes("'SYNC_node_name=O'\\''Brien $x \"y\"'"));
    assert.ok(composeText(settings, "i").includes(
        'SYNC_node_name: "O\'Brien $$x \\"y\\""'));
});
