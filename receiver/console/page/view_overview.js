/* SPDX-License-Identifier: Apache-2.0 */
/* Overview: how many nodes are in which state, and what is wrong. */
import {get} from "./api.js";
import {foreign, h, replace} from "./dom.js";
import {ago, bytes, count} from "./format.js";
import {historyCharts} from "./history.js";
import {poll} from "./poll.js";
import {link} from "./router.js";
import {badge, empty, loading} from "./states.js";

export const title = "Overview";

const DAY_MS = 86400000;
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

/* Who is refused may be a node whose token is wrong, which no list of nodes can show. */
function refused(requests) {
    if (requests.length === 0)
        return null;
    return [h("h2", null, "Refused requests"), h("ul", {class: "problems"}, requests.map((one) =>
        h("li", null, foreign(one.address), one.claimed_node === "" ? null
            : [", as ", foreign(one.claimed_node)], `, ${ago(one.last)}: `, foreign(one.reason)))),
    h("p", null, h("a", {href: link(["refused"])}, "All refused requests"))];
}

/* The last ones, of a day; none while Redis, which has them, does not answer. */
async function readRefused(signal) {
    try {
        const {items} = await get("/auth-failures", {limit: 3}, signal);
        return items.filter((one) => Date.now() - Date.parse(one.last) < DAY_MS);
    } catch (error) {
        if (error.status === 503)
            return [];
        throw error;
    }
}

async function read(signal) {
    const [summary, requests] = await Promise.all([get("/summary", null, signal),
        readRefused(signal)]);
    return {summary, requests};
}

function content({summary, requests}) {
    if (summary.nodes.total === 0)
        return [empty("This hub knows no node yet.", h("a", {href: link(["add"])}, "Add a node"),
            ", start it, and it appears here within seconds."), refused(requests)];
    return [tiles(summary), queue(summary), h("h2", null, "Problems"), problems(summary),
        refused(requests)];
}

export function show(place) {
    const now = h("div", null, loading());
    const charts = h("div");
    replace(place.main, h("h1", null, title), now, charts);
    const updates = poll(read, (found) => {
        place.ok();
        replace(now, content(found));
    }, place.failed);
    const stopCharts = historyCharts(charts, null);
    return () => {
        updates.stop();
        stopCharts();
    };
}
