/* SPDX-License-Identifier: Apache-2.0 */
/* A question before something that cannot be undone, and the outcome of what was done. */
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
 * `outcome` what came of it: action() resolves to a text, to elements, or to "" for nothing; or
 * rejects with an error.
 */
export function actionButton(title, outcome, action, attributes = {}) {
    const button = h("button", {type: "button", ...attributes}, title);
    button.addEventListener("click", async () => {
        button.disabled = true;
        try {
            const result = await action();
            replace(outcome, typeof result === "string" && result !== ""
                ? h("p", {role: "status"}, result) : result);
        } catch (error) {
            replace(outcome, h("p", {class: "error", role: "alert"}, error.message));
        }
        button.disabled = false;
    });
    return button;
}
