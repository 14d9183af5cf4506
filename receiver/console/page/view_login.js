/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in, and the first visit by the link that the receiver prints, which sets the password. */
import {post} from "./api.js";
import {h, replace} from "./dom.js";
import {go} from "./router.js";

export const title = "Log in";

const MIN = 12; /* characters of a new password, checked by the hub as well */

/* Where to go afterwards: only a view of this page. */
function after(parameters) {
    const target = parameters.to ?? "";
    if (target.startsWith("#/") && !target.startsWith("#/login"))
        location.hash = target;
    else
        go([]);
}

function passwordField(label, name, kind) {
    return h("label", {class: "field"}, h("span", null, label),
        h("input", {type: "password", name, autocomplete: kind, required: true,
            minlength: kind === "new-password" ? MIN : null, "aria-describedby": "outcome"}));
}

function formOf(fields, button, outcome, submit) {
    /* For password managers, which keep a password with a user's name. */
    const user = h("input", {name: "user", value: "admin", autocomplete: "username", hidden: true,
        "aria-label": "User"});
    const form = h("form", null, user, fields, h("div", {class: "actions"},
        h("button", {type: "submit"}, button)), outcome);
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        const send = form.querySelector("[type=submit]");
        send.disabled = true;
        try {
            await submit(Object.fromEntries(new FormData(form)));
        } catch (error) {
            replace(outcome, h("p", {class: "error", role: "alert"}, error.message));
            form.querySelector("[type=password]").focus();
        }
        send.disabled = false;
    });
    return form;
}

function showLogin(place, outcome) {
    const form = formOf([passwordField("Password", "password", "current-password")], "Log in",
        outcome, async ({password}) => {
            await post("/session", {password});
            after(place.parameters);
        });
    replace(place.main, h("h1", null, "Log in"), form, h("p", {class: "soft"},
        "No password yet? The receiver's log has a link that sets one. For another link, run ",
        h("code", null, "synchub-receiver console link"), " on the hub, with Compose ",
        h("code", null, "docker compose exec receiver synchub-receiver console link"), "."));
}

function showFirst(place, outcome) {
    const form = formOf([
        passwordField(`New password, at least ${MIN} characters`, "password", "new-password"),
        passwordField("The same again", "again", "new-password"),
    ], "Set the password", outcome, async ({password, again}) => {
        if (password !== again)
            throw new Error("The two passwords differ.");
        await post("/session", {code: place.parameters.code, password});
        go([], null, {replaces: true});
    });
    replace(place.main, h("h1", null, "Set the password of this hub"),
        h("p", {class: "soft"}, "The link works once. It replaces the password if there is one."),
        form);
}

export function show(place) {
    const outcome = h("div", {id: "outcome"});
    if (place.parameters.code)
        showFirst(place, outcome);
    else
        showLogin(place, outcome);
    place.main.querySelector("[type=password]").focus();
}
