/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: the list, with the state of each and its reason. */
import {foreign, h, replace} from "./dom.js";
import {filters} from "./filters.js";
import {ago, count, moment} from "./format.js";
import {paged} from "./paged.js";
import {go, link} from "./router.js";
import {badge, empty, loading} from "./states.js";
import {table} from "./table.js";

export const title = "Nodes";

const STATES = ["online", "late", "silent", "failing", "never", "revoked", "gone"];
const COLUMNS = [
    {title: "Node", sort: "name", cell: (node) => h("a", {href: link(["node", node.name]),
        "data-key": `node-${node.name}`}, foreign(node.name))},
    {title: "State", sort: "state", cell: (node) => badge(node.state)},
    {title: "Reason", cell: (node) => foreign(node.reason)},
    {title: "Last contact", sort: "contact", cell: (node) => h("time",
        {datetime: node.last_contact, title: moment(node.last_contact)}, ago(node.last_contact))},
    {title: "Present", number: true, cell: (node) => count(node.present)},
    {title: "Queue", number: true, sort: "queue", cell: (node) => count(node.queue)},
    {title: "Dead letters", number: true, cell: (node) => count(node.dead)},
    {title: "Mode", cell: (node) => node.mode ?? ""},
];

function nothing(parameters) {
    if (Object.keys(parameters).some((name) => name !== "sort"))
        return empty("No node matches.", h("a", {href: link(["nodes"])}, "Show all nodes"));
    return empty("No node has been in contact yet.", h("a", {href: link(["add"])}, "Add a node"),
        ", start it, and it appears here within seconds.");
}

export function show(place) {
    const {parameters} = place;
    const list = h("div", null, loading());
    replace(place.main, h("h1", null, "Nodes"), filters(["nodes"], parameters, [
        {name: "state", title: "State", options: STATES},
        {name: "search", title: "Search", type: "search", example: "name, note, label, program"},
        {name: "label", title: "Label", example: "site=Berlin"},
        {name: "problems", title: "With problems only", flag: true},
    ]), list);
    const updates = paged(place, "/nodes", parameters, (items, more) => replace(list,
        items.length === 0 ? nothing(parameters) : table({
            caption: "Nodes", columns: COLUMNS, items, sort: parameters.sort ?? "name",
            onsort: (sort) => go(["nodes"], {...parameters, sort}),
        }), more));
    return updates.stop;
}
