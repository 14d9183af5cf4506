/* SPDX-License-Identifier: Apache-2.0 */
/* The form that changes a setting on the hub: checked while typing, followed until it is in use. */
import {get, post, put, remove} from "./api.js";
import {h, replace} from "./dom.js";

const CHECK_DELAY_MS = 300;
const FOLLOW_MS = 1000;
const FOLLOW_TIMES = 15;

function path(setting) {
    return `/settings/${encodeURIComponent(setting.name)}`;
}

/*
 * A list has an entry in each line. What is no JSON list, such as a default, is shown as it is, and
 * a list with commas in its entries, too, which could be taken for several.
 */
export function shownValue(setting, value) {
    if (setting.kind !== "list")
        return value;
    try {
        const entries = JSON.parse(value);
        return entries.some((one) => one.includes(",")) ? value : entries.join("\n");
    } catch {
        return value;
    }
}

/* A single line, also in brackets, is sent as it is: the hub reads it as in an environment. */
export function sentValue(setting, text) {
    if (setting.kind !== "list" || text.trim().startsWith("["))
        return text;
    if (text.includes(",") && !text.trim().includes("\n"))
        return text.trim();
    return JSON.stringify(text.split("\n").map((one) => one.trim()).filter((one) => one !== ""));
}

function control(setting, id) {
    const common = {id, name: "value", "aria-label": setting.name,
        "aria-describedby": `${id}-about ${id}-check`};
    if (setting.choices.length > 0)
        return h("select", common, setting.choices.map((one) =>
            h("option", {value: one, selected: one === setting.value}, one)));
    const value = shownValue(setting, setting.value ?? "");
    if (setting.kind !== "list")
        return h("input", {...common, value, autocomplete: "off", spellcheck: "false"});
    const lines = value.split("\n").length;
    return h("textarea", {...common, rows: Math.min(Math.max(lines + 1, 2), 12),
        autocomplete: "off", spellcheck: "false"}, value);
}

/* Checks the value a moment after the last key, by the rules of the hub itself. */
function checkWhileTyping(setting, input, note, save) {
    let timer = null;
    let latest = 0;
    input.addEventListener("input", () => {
        clearTimeout(timer);
        const mine = ++latest;
        save.disabled = false; // until it is known to be invalid; the hub checks again
        replace(note, h("p", {class: "soft"}, "Not saved yet."));
        timer = setTimeout(async () => {
            try {
                const check = await post(`${path(setting)}/check`,
                    {value: sentValue(setting, input.value)});
                if (mine !== latest)
                    return;
                input.setAttribute("aria-invalid", String(!check.valid));
                save.disabled = !check.valid;
                replace(note, check.valid ? h("p", {class: "soft"}, "Valid. Not saved yet.")
                    : h("p", {class: "error"}, check.message));
            } catch (error) {
                replace(note, h("p", {class: "error"}, error.message));
            }
        }, CHECK_DELAY_MS);
    });
}

/* Says which running programs use the new value, until all do. */
async function follow(setting, note) {
    for (let i = 0; i < FOLLOW_TIMES && note.isConnected; i++) {
        const {programs, value} = await get(path(setting));
        const reported = (programs ?? []).filter((one) => one.value !== null);
        const users = reported.filter((one) =>
            shownValue(setting, one.value) === shownValue(setting, value));
        if (reported.length > 0 && users.length === reported.length) {
            const names = users.map((one) => `the ${one.program} on ${one.host}`);
            replace(note, h("p", null, `In use by ${names.join(", ")}.`));
            return;
        }
        await new Promise((done) => setTimeout(done, FOLLOW_MS));
    }
}

/* changed(setting, text) replaces the form after a change. */
export function settingEditor(setting, id, changed) {
    const note = h("div", {id: `${id}-check`, "aria-live": "polite"});
    const input = control(setting, id);
    const save = h("button", {type: "submit"}, "Save");
    const unset = h("button", {type: "button", class: "quiet", hidden: setting.hub_value === null},
        "Use the default");

    async function change(action, text) {
        save.disabled = true;
        try {
            const now = await action();
            changed(now, text);
            const next = document.getElementById(`${id}-check`);
            if (next)
                follow(now, next).catch(() => {}); // the next visit shows it
        } catch (error) {
            replace(note, h("p", {class: "error", role: "alert"}, error.message));
            save.disabled = false;
        }
    }
    const form = h("form", null, input, save, unset);
    if (setting.kind === "list")
        form.prepend(h("p", {class: "soft"}, "One in each line."));
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        change(() => put(path(setting), {value: sentValue(setting, input.value)}),
            "Saved. It takes effect within 5 s.");
    });
    unset.addEventListener("click", () => change(() => remove(path(setting)),
        "The default takes effect within 5 s."));
    checkWhileTyping(setting, input, note, save);
    return [form, note];
}
