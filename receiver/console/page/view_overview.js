/* SPDX-License-Identifier: Apache-2.0 */
/* Overview: how many nodes are in which state, and what is wrong. */
import {get} from "./api.js";
import {foreign, h, replace} from "./dom.js";
import {bytes, count} from "./format.js";
import {historyCharts} from "./history.js";
import {poll} from "./poll.js";
import {link} from "./router.js";
import {badge, empty, loading} from "./states.js";

export const title = "Overview";

const ORDER = ["online", "late", "silent", "failing", "never", "revoked", "gone"];
const LOOK = {failing: "bad", silent: "bad", late: "warn", never: "warn"};

function tile(name, value, target, look) {
    return h("li", {class: look}, h("a", {href: target, "data-key": `tile-${name}`},
        h("strong", null, value), name));
}

function tiles(summary) {
    const dead = summary.queue?.dead ?? null;
    const states = ORDER.filter((state) => summary.nodes.states[state] > 0 || state === "online")
        .map((state) => tile(state, count(summary.nodes.states[state] ?? 0),
            link(["nodes"], {state}), LOOK[state]));
    return h("ul", {class: "tiles"}, states,
        tile("devices", count(summary.devices.total), link(["devices"])),
        tile("new in 24 hours", count(summary.devices.new_24h), link(["devices"], {since: "24h"})),
        tile("new in 7 days", count(summary.devices.new_7d), link(["devices"], {since: "7d"})),
        dead === null ? null : tile("dead letters", count(dead), link(["dead"]),
            dead > 0 ? "bad" : null));
}

function queue(summary) {
    if (summary.queue === null)
        return h("p", {class: "error"}, "The queue is unknown: ", foreign(summary.redis_problem ??
            "Redis does not answer."));
    const {entries, bytes: size, pending} = summary.queue;
    return h("p", {class: "soft"}, entries === 0 ? "The queue is empty."
        : `${count(entries)} entries (${bytes(size)}) are in the queue, of which receivers have ` +
          `taken ${count(pending)}.`);
}

function problems(summary) {
    if (summary.problems.length === 0)
        return h("p", null, "No node needs attention.");
    const more = summary.nodes.problems - summary.problems.length;
    return [h("ul", {class: "problems"}, summary.problems.map((one) => h("li", null,
        h("a", {href: link(["node", one.name]), "data-key": `problem-${one.name}`},
            foreign(one.name)), " ", badge(one.state), " ", foreign(one.reason)))),
    more > 0 ? h("p", null, h("a", {href: link(["nodes"], {problems: "true"})},
        `${count(more)} more nodes that need attention`)) : null];
}

function content(summary) {
    if (summary.nodes.total === 0)
        return empty("This hub knows no node yet.", h("a", {href: link(["add"])}, "Add a node"),
            ", start it, and it appears here within seconds.");
    return [tiles(summary), queue(summary), h("h2", null, "Problems"), problems(summary)];
}

export function show(place) {
    const now = h("div", null, loading());
    const charts = h("div");
    replace(place.main, h("h1", null, title), now, charts);
    const updates = poll((signal) => get("/summary", null, signal), (summary) => {
        place.ok();
        replace(now, content(summary));
    }, place.failed);
    const stopCharts = historyCharts(charts, null);
    return () => {
        updates.stop();
        stopCharts();
    };
}
