/* SPDX-License-Identifier: Apache-2.0 */
/* What a view shows while there is nothing else to show: loading, empty, failed. */
import {h} from "./dom.js";

export function loading() {
    return h("p", {class: "loading", role: "status"}, "Loading …");
}

/* what: what is not there; next: what to do so that there is something. */
export function empty(what, ...next) {
    return h("div", {class: "empty"}, h("p", null, what), next.length ? h("p", null, next) : null);
}

/* again: called to try once more. */
export function failed(error, again) {
    return h("div", {class: "failed", role: "alert"},
        h("p", null, error.message),
        again ? h("button", {type: "button", onclick: again}, "Try again") : null);
}

/* A state of a node or the presence of a device, as a label with a colour and a word. */
export function badge(state) {
    return h("span", {class: `badge badge-${state.replace(/[^a-z]/g, "")}`}, state);
}
