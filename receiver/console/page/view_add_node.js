/* SPDX-License-Identifier: Apache-2.0 */
/* Adds a node: makes its credentials, shows them once, and waits until it is there. */
import {get, post} from "./api.js";
import {actionButton, actionForm, field, flag} from "./confirm.js";
import {credentialText, probableHubUrl, rememberHubUrl} from "./credential_text.js";
import {foreign, h, replace} from "./dom.js";
import {nodeTransfer} from "./node_transfer.js";
import {poll} from "./poll.js";
import {link} from "./router.js";
import {badge} from "./states.js";

export const title = "Add a node";

function waitFor(name, container, place) {
    return poll((signal) => get(`/nodes/${encodeURIComponent(name)}`, null, signal), (node) => {
        place.ok();
        replace(container, h("p", {role: "status"}, node.last_contact
            ? ["It is here: ", h("a", {href: link(["node", name])}, foreign(name)), " ",
                badge(node.state), " ", foreign(node.reason)]
            : ["Waiting for its first contact … ", foreign(node.reason)]));
    }, place.failed);
}

/* Said while the field has a loopback address, which only a node on this machine reaches. */
function loopbackHint(input) {
    const hint = h("p", {class: "error", role: "status"}, "This address leads nowhere from a " +
        "container or another machine: put this machine's name or address there, and the port " +
        "on which nodes reach the hub.");
    const check = () => {
        hint.hidden = !/^https?:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/.test(input.value);
    };
    input.addEventListener("input", check);
    check();
    return hint;
}

export function show(place) {
    const outcome = h("div");
    const secrets = h("div"); // apart from the outcome, which an error replaces
    const arrived = h("div");
    let waiting = null;
    const add = actionButton(title, outcome, async () => {
        if (!form.reportValidity())
            return "";
        const values = new FormData(form);
        const name = values.get("name").trim();
        const made = await post(`/nodes/${encodeURIComponent(name)}/credentials`,
            {netalertx: values.has("netalertx"), ephemeral: values.has("ephemeral")});
        waiting?.stop();
        waiting = waitFor(name, arrived, place);
        replace(outcome);
        rememberHubUrl(values.get("url"));
        replace(secrets, credentialText(made, values.get("url")));
        return "";
    });
    const form = actionForm(add,
        field("Name", {name: "name", required: true, maxlength: "50", placeholder: "Berlin"}),
        field("Address of this hub, as the node reaches it",
            {name: "url", type: "url", required: true, value: probableHubUrl()}),
        flag("It is a NetAlertX without Sync Hub's pusher", {name: "netalertx"}),
        flag("Ephemeral: may disappear", {name: "ephemeral"}));
    replace(place.main, h("h1", null, title), h("p", null, "The node gets a token and a key of " +
        "its own, so that no other node can send in its name and it can be revoked alone."),
    form, loopbackHint(form.elements.namedItem("url")), outcome, secrets, arrived, nodeTransfer());
    return () => waiting?.stop();
}
