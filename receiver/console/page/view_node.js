/* SPDX-License-Identifier: Apache-2.0 */
/* One node: its state, its figures, its problem, and what an operator may change of it. */
import {get} from "./api.js";
import {foreign, h, replace} from "./dom.js";
import {ago, count, duration, moment} from "./format.js";
import {historyCharts} from "./history.js";
import {credentialSection, operatorForm} from "./node_operator.js";
import {poll} from "./poll.js";
import {link} from "./router.js";
import {badge, empty, loading} from "./states.js";
import {facts} from "./table.js";

export const title = "Node";

function time(value) {
    return value ? `${moment(value)} (${ago(value)})` : "never";
}

function content(node) {
    return [
        h("p", null, badge(node.state), " ", foreign(node.reason)),
        node.problem ? h("ul", {class: "problems"}, h("li", null, moment(node.problem.at), ": ",
            foreign(node.problem.text))) : null,
        node.rejected > 0 ? h("p", {class: "error"}, `${count(node.rejected)} rows of the last ` +
            "table were rejected: ", foreign(node.rejected_reason)) : null,
        facts([
            ["Last contact", time(node.last_contact)], ["Last table", time(node.last_table)],
            ["Last change", time(node.last_change)], ["First contact", time(node.first_contact)],
            ["Interval", duration(node.interval_s)], ["Mode", node.mode],
            ["Protocol", node.protocol], ["Program", node.agent && foreign(node.agent)],
            ["Rows sent", count(node.sent)], ["Inserted", count(node.inserted)],
            ["Known before", count(node.known)], ["Skipped", count(node.skipped)],
            ["Present now", node.present === null ? "unknown" : count(node.present)],
            ["In the queue", count(node.queue)], ["Dead letters", count(node.dead)],
            ["Credentials", node.credentials],
        ]),
        h("p", null, h("a", {href: link(["devices"], {node: node.name})}, "Its devices"), " · ",
            h("a", {href: link(["dead"], {node: node.name})}, "Its dead letters")),
    ];
}

export function show(place) {
    const now = h("div", null, loading());
    const operator = h("div");
    const credentials = h("div");
    const charts = h("div");
    let section = null;
    let stopCharts = null;
    replace(place.main, h("h1", null, foreign(place.name)), now, charts, operator, credentials);
    const path = `/nodes/${encodeURIComponent(place.name)}`;
    const updates = poll((signal) => get(path, null, signal), (node) => {
        place.ok();
        replace(now, content(node));
        stopCharts ??= historyCharts(charts, place.name);
        if (!section) {
            section = credentialSection(path, updates.now);
            replace(operator, h("h2", null, "Set by you"), operatorForm(node, path, updates.now));
            replace(credentials, h("h2", null, "Credentials"), section.elements);
        }
        section.update(node);
    }, (error) => {
        if (error.status === 404)
            replace(now, empty(error.message, h("a", {href: link(["nodes"])}, "All nodes")));
        else
            place.failed(error);
    });
    return () => {
        updates.stop();
        stopCharts?.();
    };
}
