/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: entries that could not be merged, to be tried again or dropped. */
import {get, post, remove} from "./api.js";
import {actionButton, confirm} from "./confirm.js";
import {foreign, h, replace} from "./dom.js";
import {filters} from "./filters.js";
import {ago, bytes, moment} from "./format.js";
import {follow, isActive} from "./job_progress.js";
import {paged} from "./paged.js";
import {link} from "./router.js";
import {empty, loading} from "./states.js";
import {table} from "./table.js";

export const title = "Dead letters";

/* The action, after which the list is read again. */
function then(again, action) {
    return async () => {
        const text = await action();
        again();
        return text;
    };
}

function rowActions(letter, outcome, again) {
    const path = `/dead-letters/${encodeURIComponent(letter.id)}`;
    return h("div", {class: "actions"},
        actionButton("Retry", outcome, then(again, async () => {
            await post(`${path}/retry`);
            return "Queued again. It comes back here if it fails again.";
        }), {class: "quiet", "data-key": `retry-${letter.id}`, "aria-label": `Retry ${letter.id}`}),
        actionButton("Drop", outcome, then(again, async () => {
            if (!await confirm("Drop this dead letter?", "What it contains is lost, unless " +
                "its node sends it again.", "Drop"))
                return "";
            await remove(path);
            return "Dropped.";
        }), {class: "danger", "data-key": `drop-${letter.id}`, "aria-label": `Drop ${letter.id}`}));
}

function columns(outcome, again) {
    return [
        {title: "Since", cell: (letter) => h("time", {datetime: letter.dead_since,
            title: moment(letter.dead_since)}, ago(letter.dead_since))},
        {title: "Node", cell: (letter) => letter.node === "" ? "?" :
            h("a", {href: link(["node", letter.node])}, foreign(letter.node))},
        {title: "Kind", cell: (letter) => foreign(letter.kind)},
        {title: "Reason", cell: (letter) => foreign(letter.reason)},
        {title: "Size", number: true, cell: (letter) => bytes(letter.bytes)},
        {title: "Actions", cell: (letter) => rowActions(letter, outcome, again)},
    ];
}

function allActions(outcome, again, node) {
    const whose = node ? `of ${node}` : "of all nodes";
    const begin = async (action) => follow(await post("/dead-letters/bulk",
        {action, ...node ? {node} : {all: true}}), outcome);
    return h("div", {class: "actions"},
        actionButton("Retry all", outcome, then(again, () => begin("retry")), {class: "quiet"}),
        actionButton("Drop all", outcome, then(again, async () => {
            if (!await confirm(`Drop all dead letters ${whose}?`, "What they contain is lost, " +
                "unless the nodes send it again.", "Drop all"))
                return "";
            return begin("drop");
        }), {class: "danger"}));
}

/* A job that runs already, also one that another page began. */
async function followRunning(outcome, again) {
    const [latest] = (await get("/jobs")).items;
    if (!latest || !isActive(latest))
        return;
    replace(outcome, h("p", {role: "status"}, await follow(latest, outcome)));
    again();
}

export function show(place) {
    const {parameters} = place;
    const outcome = h("div", {id: "outcome"});
    const bar = h("div");
    const list = h("div", null, loading());
    replace(place.main, h("h1", null, title), filters(["dead"], parameters,
        [{name: "node", title: "Node"}]), bar, outcome, list);
    let withActions = false;
    const updates = paged(place, "/dead-letters", parameters, (items, more) => {
        if (withActions !== items.length > 0) {
            withActions = items.length > 0;
            replace(bar, withActions ? allActions(outcome, updates.now, parameters.node) : null);
        }
        replace(list, items.length === 0
            ? empty("No dead letters.", "Entries that cannot be merged would wait here, with " +
                "the reason, until you retry or drop them.")
            : table({caption: title, columns: columns(outcome, updates.now), items}), more);
    });
    followRunning(outcome, updates.now).catch(place.failed);
    return updates.stop;
}
