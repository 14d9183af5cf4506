/* SPDX-License-Identifier: Apache-2.0 */
/* One device: its row, and every node that sees it. */
import {get} from "./api.js";
import {foreign, h, replace} from "./dom.js";
import {ago, moment} from "./format.js";
import {poll} from "./poll.js";
import {link} from "./router.js";
import {badge, empty, loading} from "./states.js";
import {facts, table} from "./table.js";

export const title = "Device";

const OF_HUB = new Set(["rowid", "present", "since", "first_seen", "nodes", "devMac", "devName"]);
const COLUMNS = [
    {title: "Node", cell: (node) => h("a", {href: link(["node", node.name])}, foreign(node.name))},
    {title: "Presence", cell: (node) => badge(node.present)},
    {title: "Since", cell: (node) => `${moment(node.since)} (${ago(node.since)})`},
    {title: "Address there", cell: (node) => foreign(node.ip ?? "")},
];

function content(device) {
    const row = Object.entries(device)
        .filter(([name, value]) => !OF_HUB.has(name) && value !== "");
    return [
        h("h1", null, foreign(device.devName || device.devMac)),
        facts([["MAC", foreign(device.devMac)], ["Presence", badge(device.present)],
            ["Since", moment(device.since)], ["First seen", moment(device.first_seen)]]),
        h("p", null, h("a", {href: link(["blocklist"], {mac: device.devMac}),
            "data-key": "block"}, "Block it")),
        h("h2", null, "Seen by"),
        device.nodes.length === 0 ? empty("No node sees this device now.")
            : table({caption: "Nodes that see the device", columns: COLUMNS, items: device.nodes}),
        h("h2", null, "Row in Devices"),
        h("p", {class: "soft"}, "As the first node that had the device sent it. Sync Hub " +
            "does not change a row that is there."),
        facts(row.map(([name, value]) => [name, foreign(String(value))])),
    ];
}

export function show(place) {
    replace(place.main, loading());
    return poll((signal) => get(`/devices/${encodeURIComponent(place.name)}`, null, signal),
        (device) => {
            place.ok();
            replace(place.main, content(device));
        }, (error) => {
            if (error.status === 404)
                replace(place.main, h("h1", null, foreign(place.name)), empty(error.message,
                    h("a", {href: link(["devices"])}, "All devices")));
            else
                place.failed(error);
        }).stop;
}
