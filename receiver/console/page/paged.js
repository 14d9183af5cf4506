/* SPDX-License-Identifier: Apache-2.0 */
/* A list that is read page by page and kept up to date. */
import {get} from "./api.js";
import {h} from "./dom.js";
import {poll} from "./poll.js";

const PAGE = 100;
const PAGES_MAX = 20;

async function readPages(path, parameters, pages, signal) {
    const list = {items: [], next: null};
    for (let i = 0; i < pages; i++) {
        const page = await get(path, {...parameters, limit: PAGE, after: list.next}, signal);
        list.items.push(...page.items);
        list.next = page.next;
        if (list.next === null)
            break;
    }
    return list;
}

/*
 * Reads the list at path now and again, and calls show(items, more) with what there is: more is a
 * button that reads another page, or null at the end. Returns the poll.
 */
export function paged(place, path, parameters, show) {
    let pages = 1;
    const updates = poll((signal) => readPages(path, parameters, pages, signal), (list) => {
        place.ok();
        show(list.items, moreButton(list.next));
    }, place.failed);

    function moreButton(next) {
        if (next === null)
            return null;
        if (pages >= PAGES_MAX)
            return h("p", {class: "soft"}, `The first ${PAGE * PAGES_MAX} are shown. ` +
                "Filter the list to see others.");
        return h("div", {class: "actions"}, h("button", {type: "button", class: "quiet",
            id: "more", onclick: () => {
                pages++;
                updates.now();
            }}, "Show more"));
    }
    return updates;
}
