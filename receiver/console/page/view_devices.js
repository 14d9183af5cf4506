/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of all nodes: searched and filtered by the hub. */
import {csvButton} from "./csv_file.js";
import {foreign, h, replace} from "./dom.js";
import {filters} from "./filters.js";
import {ago, moment} from "./format.js";
import {paged} from "./paged.js";
import {go, link} from "./router.js";
import {badge, empty, loading} from "./states.js";
import {table} from "./table.js";

export const title = "Devices";

function when(time) {
    return h("time", {datetime: time, title: moment(time)}, ago(time));
}

function nodesOf(device) {
    return (device.nodes ?? []).map((node, i) => [i > 0 ? ", " : null,
        h("a", {href: link(["node", node.name])}, foreign(node.name))]);
}

const COLUMNS = [
    {title: "MAC", sort: "mac", cell: (device) => h("a", {href: link(["device", device.devMac]),
        "data-key": `device-${device.devMac}`}, foreign(device.devMac))},
    {title: "Name", sort: "name", cell: (device) => foreign(device.devName ?? "")},
    {title: "Presence", sort: "present", cell: (device) => badge(device.present)},
    {title: "Address", sort: "ip", cell: (device) =>
        foreign(device.nodes?.[0]?.ip || device.devLastIP || "")},
    {title: "Vendor", sort: "vendor", cell: (device) => foreign(device.devVendor ?? "")},
    {title: "Nodes", cell: nodesOf},
    {title: "First seen", sort: "first-seen", cell: (device) => when(device.first_seen)},
];

function nothing(parameters) {
    if (Object.keys(parameters).some((name) => name !== "sort"))
        return empty("No device matches.", h("a", {href: link(["devices"])}, "Show all devices"));
    return empty("No device has arrived yet.", "Devices appear as soon as a node has sent its " +
        "table. See the ", h("a", {href: link(["nodes"])}, "nodes"), ".");
}

/* In the order of insertion, as another order would have to be made anew for each page. */
function saveButton(parameters) {
    const {node, present, search, since} = parameters;
    return csvButton("/devices.csv", {node, present, search, since}, "devices.csv");
}

export function show(place) {
    const {parameters} = place;
    const list = h("div", null, loading());
    replace(place.main, h("h1", null, "Devices"), filters(["devices"], parameters, [
        {name: "search", title: "Search", type: "search", example: "name, MAC, address, vendor"},
        {name: "node", title: "Node"},
        {name: "present", title: "Present", options: ["yes", "no", "unknown"]},
        {name: "since", title: "New since", example: "7d"},
    ]), h("div", {class: "actions"}, saveButton(parameters)), list);
    const updates = paged(place, "/devices", parameters, (items, more) => replace(list,
        items.length === 0 ? nothing(parameters) : table({
            caption: "Devices", columns: COLUMNS, items, sort: parameters.sort ?? "",
            onsort: (sort) => go(["devices"], {...parameters, sort}),
        }), more));
    return updates.stop;
}
