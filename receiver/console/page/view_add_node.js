/* SPDX-License-Identifier: Apache-2.0 */
/* Adds a node: makes its credentials, shows them once, and waits until it is there. */
import {get, post} from "./api.js";
import {actionButton} from "./confirm.js";
import {credentialText} from "./credential_text.js";
import {foreign, h, replace} from "./dom.js";
import {poll} from "./poll.js";
import {link} from "./router.js";
import {badge} from "./states.js";

export const title = "Add a node";

const NODES_PORT = 20212;

function waitFor(name, container, place) {
    return poll((signal) => get(`/nodes/${encodeURIComponent(name)}`, null, signal), (node) => {
        place.ok();
        replace(container, h("p", {role: "status"}, node.last_contact
            ? ["It is here: ", h("a", {href: link(["node", name])}, foreign(name)), " ",
                badge(node.state), " ", foreign(node.reason)]
            : "Waiting for its first contact …"));
    }, place.failed);
}

export function show(place) {
    const outcome = h("div");
    const arrived = h("div");
    let waiting = null;
    const form = h("form", null,
        h("div", {class: "filters"},
            h("label", {class: "field"}, h("span", null, "Name"), h("input", {name: "name",
                required: true, maxlength: "200", autocomplete: "off", placeholder: "Berlin"})),
            h("label", {class: "field"}, h("span", null, "Address of this hub for nodes"),
                h("input", {name: "url", type: "url", required: true,
                    value: `${location.protocol}//${location.hostname}:${NODES_PORT}`}))),
        h("label", {class: "flag"}, h("input", {type: "checkbox", name: "netalertx"}),
            " It is a NetAlertX without Sync Hub's pusher"));
    const add = actionButton(title, outcome, async () => {
        if (!form.reportValidity())
            return "";
        const values = new FormData(form);
        const name = values.get("name").trim();
        const made = await post(`/nodes/${encodeURIComponent(name)}/credentials`,
            {netalertx: values.has("netalertx")});
        waiting?.stop();
        waiting = waitFor(name, arrived, place);
        return credentialText(made, values.get("url"));
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        add.click();
    });
    form.append(h("div", {class: "actions"}, add));
    replace(place.main, h("h1", null, title), h("p", null, "The node gets a token and a key of " +
        "its own, so that no other node can send in its name and it can be revoked alone."),
    form, outcome, arrived);
    return () => waiting?.stop();
}
