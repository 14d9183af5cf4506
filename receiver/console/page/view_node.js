/* SPDX-License-Identifier: Apache-2.0 */
/* One node: state, history, problems, credentials, and what an operator may change of it. */
import {get, patch, post, remove} from "./api.js";
import {actionButton, confirm} from "./confirm.js";
import {credentialText} from "./credential_text.js";
import {foreign, h, replace} from "./dom.js";
import {ago, count, duration, durationText, moment, readDuration} from "./format.js";
import {historyCharts} from "./history.js";
import {poll} from "./poll.js";
import {go, link} from "./router.js";
import {badge, empty, loading} from "./states.js";
import {facts} from "./table.js";

export const title = "Node";

const GRACE_S = 86400; /* for which a node's older credentials work, too */

function time(value) {
    return value ? `${moment(value)} (${ago(value)})` : "never";
}

function stateOf(node) {
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

function labelsText(labels) {
    return Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(" ");
}

function readLabels(text) {
    return Object.fromEntries(text.split(/\s+/).filter(Boolean).map((pair) => {
        const at = pair.indexOf("=");
        if (at < 1)
            throw new Error(`Labels are written as key=value, separated by spaces: ${pair}`);
        return [pair.slice(0, at), pair.slice(at + 1)];
    }));
}

/* What the operator sets: filled once, so that nothing is overwritten while somebody types. */
function operatorForm(node, path, again) {
    const outcome = h("div");
    let saved = node.labels;
    const field = (label, name, value, hint) => h("label", {class: "field"},
        h("span", null, label), h("input", {name, value, placeholder: hint, autocomplete: "off"}));
    const form = h("form", null, h("div", {class: "filters"},
        field("Note", "note", node.note),
        field("Labels", "labels", labelsText(node.labels), "site=Berlin floor=2"),
        field("Silent after", "silent", durationText(node.silent_after_s),
            "3 intervals"),
        h("label", {class: "flag"}, h("span", null, h("input", {type: "checkbox",
            name: "ephemeral", checked: node.ephemeral}), " Ephemeral: may disappear"))));
    const save = actionButton("Save", outcome, async () => {
        const values = new FormData(form);
        const labels = readLabels(values.get("labels"));
        const removed = Object.keys(saved).filter((key) => !(key in labels));
        await patch(path, {note: values.get("note"), ephemeral: values.has("ephemeral"),
            silent_after_s: readDuration(values.get("silent")),
            labels: {...labels, ...Object.fromEntries(removed.map((key) => [key, null]))}});
        saved = labels;
        again();
        return "Saved.";
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        save.click();
    });
    form.append(h("div", {class: "actions"}, save));
    return [form, outcome];
}

function credentialActions(name, path, hasOwn, again) {
    const outcome = h("div");
    return [h("div", {class: "actions"},
        actionButton("Give it new credentials", outcome, async () => {
            if (!await confirm("New credentials?", "Those that the node has now work for another " +
                "day. Set the new ones there meanwhile.", "New credentials"))
                return "";
            const made = await post(hasOwn ? `${path}/credentials/rotate` : `${path}/credentials`,
                {grace_s: GRACE_S});
            again();
            return credentialText(made);
        }, {class: "quiet"}),
        actionButton("Revoke", outcome, async () => {
            if (!await confirm(`Revoke ${name}?`, "The hub refuses this node from now on, also " +
                "with the shared token.", "Revoke"))
                return "";
            await remove(`${path}/credentials`);
            again();
            return "Revoked.";
        }, {class: "danger"}),
        actionButton("Forget", outcome, async () => {
            if (!await confirm(`Forget ${name}?`, "Its record, history and presence are deleted. " +
                "Devices stay. It appears again if it is in contact again.", "Forget"))
                return "";
            await remove(path);
            go(["nodes"]);
            return "";
        }, {class: "danger"})), outcome];
}

export function show(place) {
    const path = `/nodes/${encodeURIComponent(place.name)}`;
    const now = h("div", null, loading());
    const operator = h("div");
    const charts = h("div");
    replace(place.main, h("h1", null, foreign(place.name)), now, operator, charts);
    let stopCharts = null;
    const updates = poll((signal) => get(path, null, signal), (node) => {
        place.ok();
        replace(now, stateOf(node));
        if (stopCharts)
            return;
        stopCharts = historyCharts(charts, place.name);
        replace(operator, h("h2", null, "Set by you"), operatorForm(node, path, updates.now),
            h("h2", null, "Credentials"), credentialActions(
                place.name, path, node.credentials === "own", updates.now));
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
