/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of any length as a CSV file, which the browser puts together of pages: the hub answers
 * with one page at a time, so that no list takes memory there.
 */
import {getCsv} from "./api.js";
import {h, replace} from "./dom.js";
import {count} from "./format.js";
import {save} from "./save.js";

const PAGE = 1000;

async function readAll(path, parameters, onPage, signal) {
    const parts = [];
    let after = null;
    do {
        const page = await getCsv(path, {...parameters, limit: PAGE, after}, signal);
        parts.push(page.blob);
        after = page.next;
        onPage(parts.length * PAGE);
    } while (after !== null);
    return new Blob(parts, {type: "text/csv"});
}

/* A button that saves the list at path, as these parameters filter it, and shows how far it is. */
export function csvButton(path, parameters, name) {
    const status = h("span", {role: "status", class: "soft"});
    let running = null;
    const button = h("button", {type: "button", class: "quiet", id: "csv", onclick: async () => {
        if (running !== null) {
            running.abort();
            return;
        }
        running = new AbortController();
        replace(button, "Cancel");
        try {
            save(await readAll(path, parameters, (rows) => {
                replace(status, ` up to ${count(rows)} …`);
                if (!button.isConnected) // the user went elsewhere
                    running.abort();
            }, running.signal), name);
            replace(status, " Saved.");
        } catch (error) {
            replace(status, running.signal.aborted ? " Cancelled." : ` ${error.message}`);
        }
        running = null;
        replace(button, "CSV");
    }}, "CSV");
    return h("span", {class: "csv"}, button, status);
}
