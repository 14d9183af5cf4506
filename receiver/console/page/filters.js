/* SPDX-License-Identifier: Apache-2.0 */
/* The form above a list. What it says stands in the address, so that a filtered list is a link. */
import {h} from "./dom.js";
import {go} from "./router.js";

function field(one, parameters) {
    const value = parameters[one.name] ?? "";
    if (one.flag)
        return h("label", {class: "flag"}, h("span", null, h("input", {type: "checkbox",
            name: one.name, value: "true", checked: value === "true"}), ` ${one.title}`));
    if (one.options)
        return h("label", null, h("span", null, one.title), h("select", {name: one.name},
            h("option", {value: ""}, "all"), one.options.map((option) =>
                h("option", {value: option, selected: option === value}, option))));
    return h("label", null, h("span", null, one.title), h("input", {type: one.type ?? "text",
        name: one.name, value, placeholder: one.example, autocomplete: "off"}));
}

/*
 * path: of the view; fields: [{name, title, options, flag, type, example}]. Parameters that have
 * no field (the order) stay as they are.
 */
export function filters(path, parameters, fields) {
    const form = h("form", {class: "filters", role: "search"},
        fields.map((one) => field(one, parameters)),
        h("button", {type: "submit", class: "quiet"}, "Filter"));

    function apply() {
        const values = Object.fromEntries(new FormData(form));
        const others = Object.entries(parameters)
            .filter(([name]) => !fields.some((one) => one.name === name));
        go(path, {...Object.fromEntries(others), ...values});
    }
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        apply();
    });
    form.addEventListener("change", (event) => {
        if (event.target.matches("select, [type=checkbox]"))
            apply();
    });
    return form;
}
