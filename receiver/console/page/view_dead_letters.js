/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: entries that could not be merged, to be tried again or dropped. */
import {get, post, remove} from "./api.js";
import {actionButton, confirm} from "./confirm.js";
import {foreign, h, replace} from "./dom.js";
import {filters} from "./filters.js";
import {ago, bytes, moment} from "./format.js";
import {paged} from "./paged.js";
import {link} from "./router.js";
import {empty, loading} from "./states.js";
import {table} from "./table.js";

export const title = "Dead letters";

function act(outcome, again, action) {
    return async () => {
        const text = await action();
        again();
        return text;
    };
}

function columns(outcome, again) {
    const one = (letter) => `/dead-letters/${encodeURIComponent(letter.id)}`;
    return [
        {title: "Since", cell: (letter) => h("time", {datetime: letter.dead_since,
            title: moment(letter.dead_since)}, ago(letter.dead_since))},
        {title: "Node", cell: (letter) => letter.node === "" ? "" :
            h("a", {href: link(["node", letter.node])}, foreign(letter.node))},
        {title: "Kind", cell: (letter) => letter.kind},
        {title: "Reason", cell: (letter) => foreign(letter.reason)},
        {title: "Size", number: true, cell: (letter) => bytes(letter.bytes)},
        {title: "Actions", cell: (letter) => h("div", {class: "actions"},
            actionButton("Retry", outcome, act(outcome, again, async () => {
                await post(`${one(letter)}/retry`);
                return "Queued again. It comes back here if it fails again.";
            }), {class: "quiet", "data-key": `retry-${letter.id}`,
                "aria-label": `Retry ${letter.id}`}),
            actionButton("Drop", outcome, act(outcome, again, async () => {
                if (!await confirm("Drop this dead letter?", "What it contains is lost, unless " +
                    "its node sends it again.", "Drop"))
                    return "";
                await remove(one(letter));
                return "Dropped.";
            }), {class: "danger", "data-key": `drop-${letter.id}`,
                "aria-label": `Drop ${letter.id}`}))},
    ];
}

/* Retries or drops all, in steps by the hub, and shows how far it is. */
async function all(action, node, outcome) {
    const job = await post("/dead-letters/bulk", {action, ...node ? {node} : {all: true}});
    const bar = h("progress", {max: Math.max(job.total, 1), value: 0, "aria-label": action});
    replace(outcome, bar);
    let state = job;
    while (state.state === "running") {
        await new Promise((resolve) => setTimeout(resolve, 500));
        state = await get(`/jobs/${encodeURIComponent(job.id)}`);
        bar.value = state.done;
    }
    if (state.state === "failed")
        throw new Error(state.message);
    return `${state.done} of ${state.total} done.`;
}

function actions(outcome, again, node) {
    const whose = node ? `of ${node}` : "of all nodes";
    return h("div", {class: "actions"},
        actionButton("Retry all", outcome, act(outcome, again, () => all("retry", node, outcome))),
        actionButton("Drop all", outcome, act(outcome, again, async () => {
            if (!await confirm(`Drop all dead letters ${whose}?`, "What they contain is lost, " +
                "unless the nodes send it again.", "Drop all"))
                return "";
            return all("drop", node, outcome);
        }), {class: "danger"}));
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
            replace(bar, withActions ? actions(outcome, updates.now, parameters.node) : null);
        }
        replace(list, items.length === 0
            ? empty("No dead letters.", "Entries that cannot be merged would wait here, with " +
                "the reason, until you retry or drop them.")
            : table({caption: title, columns: columns(outcome, updates.now), items}), more);
    });
    return updates.stop;
}
