/* SPDX-License-Identifier: Apache-2.0 */
/* Settings > Sync Hub: every setting with its meaning, value and origin; some can be changed. */
import {get, post, put, remove} from "./api.js";
import {foreign, h, replace} from "./dom.js";
import {failed, loading} from "./states.js";

export const title = "Settings > Sync Hub";

const CHECK_DELAY_MS = 300;
const ORIGINS = {default: "The default", environment: "Set in the environment",
    file: "Set in a settings file", hub: "Set here"};

function path(setting) {
    return `/settings/${encodeURIComponent(setting.name)}`;
}

function range(setting) {
    if (setting.min === null && setting.max === null)
        return null;
    return ` From ${setting.min ?? "any"} to ${setting.max ?? "any"}.`;
}

function description(setting, id) {
    return h("div", {id: `${id}-about`},
        h("p", null, setting.help, range(setting)),
        h("p", {class: "soft"}, ORIGINS[setting.origin], "; used by ",
            setting.used_by.join(" and "), setting.default && setting.origin !== "default"
                ? ["; default ", h("code", null, foreign(setting.default))] : null, "."),
        setting.changeable ? null : h("p", {class: "soft"}, setting.reason));
}

function choices(setting) {
    return setting.kind === "boolean" ? ["True", "False"] : setting.choices;
}

function control(setting, id) {
    const common = {id, name: "value", "aria-describedby": `${id}-about ${id}-check`,
        "aria-label": setting.name, disabled: !setting.changeable};
    const options = choices(setting);
    if (options.length > 0)
        return h("select", common, options.map((one) =>
            h("option", {value: one, selected: one === setting.value}, one)));
    return h("input", {...common, value: setting.value, autocomplete: "off", spellcheck: "false"});
}

/* Checks the value a moment after the last key, by the rules of the hub itself. */
function checkWhileTyping(setting, input, note, save) {
    let timer = null;
    let latest = 0;
    input.addEventListener("input", () => {
        clearTimeout(timer);
        const mine = ++latest;
        timer = setTimeout(async () => {
            try {
                const check = await post(`${path(setting)}/check`, {value: input.value});
                if (mine !== latest)
                    return;
                input.setAttribute("aria-invalid", String(!check.valid));
                save.disabled = !check.valid;
                replace(note, check.valid ? null : h("p", {class: "error"}, check.message));
            } catch (error) {
                replace(note, h("p", {class: "error"}, error.message));
            }
        }, CHECK_DELAY_MS);
    });
}

function editor(setting, id, changed) {
    const note = h("div", {id: `${id}-check`, "aria-live": "polite"});
    const input = control(setting, id);
    if (!setting.changeable)
        return [h("form", null, input), note];
    const save = h("button", {type: "submit"}, "Save");
    const unset = h("button", {type: "button", class: "quiet", hidden: setting.origin !== "hub"},
        "Use the default");

    async function change(action, text) {
        save.disabled = true;
        try {
            changed(await action(), text);
        } catch (error) {
            replace(note, h("p", {class: "error", role: "alert"}, error.message));
            save.disabled = false;
        }
    }
    const form = h("form", null, input, save, unset);
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        change(() => put(path(setting), {value: input.value}),
            "Saved. It takes effect within 5 s.");
    });
    unset.addEventListener("click", () => change(() => remove(path(setting)),
        "The default takes effect within 5 s."));
    checkWhileTyping(setting, input, note, save);
    return [form, note];
}

function section(setting, message) {
    const id = `setting-${setting.name}`;
    const article = h("article", {class: "setting"});
    replace(article, h("h3", null, setting.name), description(setting, id),
        editor(setting, id, (now, text) => {
            article.replaceWith(section(now, text));
            document.getElementById(id).focus();
        }), message ? h("p", {role: "status"}, message) : null);
    return article;
}

export function show(place) {
    const end = new AbortController();
    const list = h("div", null, loading());
    const search = h("input", {type: "search", id: "setting-search", autocomplete: "off"});
    replace(place.main, h("h1", null, title), h("div", {class: "filters"},
        h("label", {class: "field"}, h("span", null, "Search"), search)), list);

    async function read() {
        try {
            const {items} = await get("/settings", {limit: 1000}, end.signal);
            place.ok();
            const sections = items.map((one) => [one, section(one)]);
            replace(list, sections.map(([, element]) => element));
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
