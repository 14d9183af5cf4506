/* SPDX-License-Identifier: Apache-2.0 */
/* Settings > Sync Hub: every setting with its meaning, value and origin; some can be changed. */
import {get} from "./api.js";
import {foreign, h, replace} from "./dom.js";
import {settingEditor, shownValue} from "./setting_editor.js";
import {failed, loading} from "./states.js";

export const title = "Settings > Sync Hub";

const ORIGINS = {default: "The default", environment: "Set in the environment",
    file: "Set in a settings file", hub: "Set on the hub", node: "Set on each node"};

function range(setting) {
    return setting.min === null ? null : ` From ${setting.min} to ${setting.max}.`;
}

/* Programs with another value than that of the hub: they have not taken it yet, or differ. */
function others(setting) {
    const value = shownValue(setting, setting.value);
    const differ = (setting.programs ?? []).filter((one) => one.value !== null &&
        value !== null && shownValue(setting, one.value) !== value);
    if (differ.length === 0)
        return null;
    return h("p", {class: "soft"}, "Another value is in use: ", differ.map((one, i) => [
        i > 0 ? "; " : null, h("code", null, foreign(one.value)), ` by the ${one.program} on `,
        foreign(one.host)]));
}

function waiting(setting) {
    return setting.hub_value === null || setting.origin === "hub" ? null : h("p", {class: "soft"},
        "On the hub it is set to ", h("code", null, foreign(setting.hub_value)),
        ", which is not in use.");
}

function description(setting, id, message) {
    const names = setting.used_by.map((one) => `the ${one}`).join(", ");
    const origin = setting.kind === "secret" && setting.origin === "default"
        ? "No running program reports it" : ORIGINS[setting.origin];
    const fallback = setting.default && setting.origin !== "default" && setting.origin !== "node"
        ? ["; default ", h("code", null, foreign(setting.default))] : null;
    return h("div", {id: `${id}-about`}, h("p", null, setting.help, ".", range(setting)),
        h("p", {class: "soft"}, origin, "; used by ", names, fallback, "."),
        waiting(setting), message ? null : others(setting),
        setting.changeable ? null : h("p", {class: "soft"}, setting.reason));
}

function fixedValue(setting) {
    if (setting.kind === "secret")
        return h("p", null, setting.is_set ? "It is set; its value is never shown."
            : "It is not known.");
    if (setting.origin === "node")
        return null;
    const value = shownValue(setting, setting.value ?? "") || "none";
    return h("p", null, h("code", null, foreign(value)));
}

function heading(setting) {
    return h("h3", null, setting.title ? [setting.title, " "] : null,
        h("code", null, setting.name));
}

function section(setting, message) {
    const id = `setting-${setting.name}`;
    const article = h("article", {class: "setting"});
    replace(article, heading(setting), description(setting, id, message), setting.changeable
        ? settingEditor(setting, id, (now, text) => {
            article.replaceWith(section(now, text));
            document.getElementById(id).focus();
        }) : fixedValue(setting), message ? h("p", {role: "status"}, message) : null);
    return article;
}

function content(items) {
    const group = (name, chosen) => [h("h2", null, name), chosen.map((one) => section(one))];
    return [group("As in NetAlertX's plugin", items.filter((one) => one.title !== null)),
        group("More", items.filter((one) => one.title === null))];
}

export function show(place) {
    const end = new AbortController();
    const list = h("div", null, loading());
    const search = h("input", {type: "search", id: "setting-search", autocomplete: "off"});
    replace(place.main, h("h1", null, title), h("div", {class: "filters"},
        h("label", {class: "field"}, h("span", null, "Search"), search)), list);

    async function read() {
        try {
            const {items} = await get("/settings", null, end.signal);
            place.ok();
            replace(list, content(items));
        } catch (error) {
            if (end.signal.aborted)
                return;
            place.failed(error);
            if (error.isAway)
                replace(list, failed(error, read));
        }
    }
    search.addEventListener("input", () => {
        const text = search.value.toLowerCase();
        for (const article of list.querySelectorAll("article"))
            article.hidden = !article.textContent.toLowerCase().includes(text);
    });
    read();
    return () => end.abort();
}
