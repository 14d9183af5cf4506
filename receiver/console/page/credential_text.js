/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a node with its new credentials, ready to copy: shown once, kept nowhere. */
import {h} from "./dom.js";
import {composeText, dockerText, settingsText} from "./node_setup.js";

const IMAGE = "synchub-pusher:0.2.0";
const NODES_PORT = 20212;

/* A browser may keep nothing; then the address is guessed each time. */
export function rememberHubUrl(url) {
    try {
        localStorage.setItem("hub-url", url);
    } catch {
        // see above
    }
}

function rememberedHubUrl() {
    try {
        return localStorage.getItem("hub-url");
    } catch {
        return null;
    }
}

/*
 * Where nodes probably reach the hub: as the last one that was added, or as this page, on the port
 * that is the default for nodes.
 */
export function probableHubUrl() {
    return rememberedHubUrl() ?? `${location.protocol}//${location.hostname}:${NODES_PORT}`;
}

function block(title, text) {
    const copy = h("button", {type: "button", class: "quiet"}, "Copy");
    copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
    });
    return h("section", null, h("h2", null, title),
        h("pre", {tabindex: "0", role: "region", "aria-label": title}, text),
        window.isSecureContext ? copy : null);
}

/* credentials: as the API answers them; hubUrl: where the node reaches the hub. */
export function credentialText(credentials, hubUrl = probableHubUrl()) {
    const names = ["SYNC_node_name", "SYNC_api_token", "SYNC_encryption_key"];
    const settings = [["SYNC_hub_url", hubUrl], ...names.map((name) => [name, credentials[name]]),
        ["SYNC_devices", "True"], ["SYNC_RUN", "always_after_scan"]];
    return h("div", {class: "notice"},
        h("p", {role: "status"}, "Copy these now: the hub does not show them again."),
        credentials.published ? null : h("p", {class: "error"}, "They are stored, but Redis did " +
            "not answer: they work as soon as a receiver that merges reaches it."),
        block("Settings", settingsText(settings)),
        block("With docker run", dockerText(settings, IMAGE)),
        block("With Compose", composeText(settings, IMAGE)),
        h("p", null, "netalertx_api and netalertx_plugins stand for what NetAlertX's container ",
            "has at /tmp/api and /tmp/log/plugins: put the volumes or folders there that it has ",
            "them in, such as ", h("code", null, "-v /srv/netalertx/api:/tmp/api:ro"),
            ". User 20211 must be able to read table_devices.json in it."));
}
