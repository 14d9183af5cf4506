/* SPDX-License-Identifier: Apache-2.0 */
/* Buttons that change something: the question before it, and what came of it. */
import {h, replace} from "./dom.js";

/* Resolves to whether the answer was yes. The title says what will happen; yes names the action. */
export function confirm(title, text, yes) {
    return new Promise((resolve) => {
        const dialog = h("dialog", {"aria-labelledby": "dialog-title"},
            h("h2", {id: "dialog-title"}, title), h("p", null, text),
            h("form", {method: "dialog", class: "actions"},
                h("button", {value: "no", class: "quiet"}, "Cancel"),
                h("button", {value: "yes", class: "danger"}, yes)));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}

/*
 * A button that does something, cannot be pressed twice meanwhile, and shows in the element
 * `outcome` what came of it: action() resolves to a text, to elements, or to "", which leaves
 * there what it shows; or rejects with an error.
 */
export function actionButton(title, outcome, action, attributes = {}) {
    const button = h("button", {type: "button", ...attributes}, title);
    button.addEventListener("click", async () => {
        button.disabled = true;
        try {
            const result = await action();
            if (result !== "")
                replace(outcome, typeof result === "string" ? h("p", {role: "status"}, result)
                    : result);
        } catch (error) {
            replace(outcome, h("p", {class: "error", role: "alert"}, error.message));
        }
        button.disabled = false;
    });
    return button;
}

/* A form whose button, of actionButton(), is also pressed by Enter in a field. */
export function actionForm(button, ...fields) {
    button.type = "submit";
    return h("form", {onsubmit: (event) => event.preventDefault()},
        h("div", {class: "filters"}, fields), h("div", {class: "actions"}, button));
}

export function field(title, attributes) {
    return h("label", {class: "field"}, h("span", null, title),
        h("input", {autocomplete: "off", ...attributes}));
}

export function flag(title, attributes) {
    return h("label", {class: "flag"}, h("span", null,
        h("input", {type: "checkbox", ...attributes}), ` ${title}`));
}
