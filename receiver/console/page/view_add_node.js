/* SPDX-License-Identifier: Apache-2.0 */
/* Adds a node: makes its credentials, shows them once, and waits until it is there. */
import {get, post} from "./api.js";
import {actionButton, actionForm, field, flag} from "./confirm.js";
import {credentialText, probableHubUrl} from "./credential_text.js";
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
            : "Waiting for its first contact …"));
    }, place.failed);
}

/* A page that is reached by the loopback does not know under which name nodes reach the hub. */
function loopbackHint() {
    return /^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname)
        ? h("p", {class: "soft"}, "This address leads nowhere from a container or another " +
            "machine: put this machine's name or address there. The hub must listen on it.")
        : null;
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
    form, loopbackHint(), outcome, secrets, arrived, nodeTransfer());
    return () => waiting?.stop();
}
