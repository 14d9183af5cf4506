/* SPDX-License-Identifier: Apache-2.0 */
/* Refused requests: who tried to push without valid credentials. */
import {remove} from "./api.js";
import {actionButton, confirm} from "./confirm.js";
import {foreign, h, replace} from "./dom.js";
import {ago, count, moment} from "./format.js";
import {paged} from "./paged.js";
import {link} from "./router.js";
import {empty, loading} from "./states.js";
import {table} from "./table.js";

export const title = "Refused requests";

function when(time) {
    return h("time", {datetime: time, title: moment(time)}, ago(time));
}

const COLUMNS = [
    {title: "Address", cell: (one) => foreign(one.address)},
    {title: "Claims to be", cell: (one) => one.claimed_node === "" ? "no node, or several"
        : foreign(one.claimed_node)},
    {title: "Requests", number: true, cell: (one) => count(one.count)},
    {title: "First", cell: (one) => when(one.first)},
    {title: "Last", cell: (one) => when(one.last)},
    {title: "Reason", cell: (one) => foreign(one.reason)},
];

export function show(place) {
    const outcome = h("div", {id: "outcome"});
    const list = h("div", null, loading());
    const clear = actionButton("Clear", outcome, async () => {
        if (!await confirm("Forget these requests?", "Those who go on trying appear again.",
            "Forget"))
            return "";
        await remove("/auth-failures");
        updates.now();
        return "Forgotten.";
    }, {class: "quiet"});
    const updates = paged(place, "/auth-failures", null, (items, more) => replace(list,
        items.length === 0
            ? empty("No request was refused.", "A node whose token or key is wrong would be " +
                "here, with its address. See how to ", h("a", {href: link(["add"])},
                "add a node"), ".")
            : table({caption: title, columns: COLUMNS, items}), more));
    replace(place.main, h("h1", null, title), h("p", null, "Requests without valid credentials. " +
        "Nobody has proved the names that they claim."), h("div", {class: "actions"}, clear),
    outcome, list);
    return updates.stop;
}
