/* SPDX-License-Identifier: Apache-2.0 */
/* A table of items. */
import {h} from "./dom.js";

function header(column, sort, onsort) {
    const name = column.number ? "number" : null;
    if (!column.sort || !onsort)
        return h("th", {scope: "col", role: "columnheader", class: name}, column.title);
    const mine = sort === column.sort || sort === `-${column.sort}`;
    const down = sort === `-${column.sort}`;
    const order = mine ? (down ? "descending" : "ascending") : null;
    return h("th", {scope: "col", role: "columnheader", class: name, "aria-sort": order},
        h("button", {type: "button", class: "sort", "data-key": `sort-${column.sort}`,
            onclick: () => onsort(mine && !down ? `-${column.sort}` : column.sort)},
        column.title, h("span", {"aria-hidden": "true"}, mine ? (down ? " ▼" : " ▲") : "")));
}

function row(item, columns) {
    return h("tr", {role: "row"}, columns.map((column, i) => h(i === 0 ? "th" : "td",
        {scope: i === 0 ? "row" : null, role: i === 0 ? "rowheader" : "cell",
            class: column.number ? "number" : null, "data-title": column.title},
        column.cell(item))));
}

/*
 * On a narrow screen each row becomes a block with the titles of its columns (style.css), for which
 * browsers drop the roles of a table unless they are named.
 *
 * columns: [{title, cell(item), number, sort}], the first one names the item; sort: the column by
 * which the items are sorted, with "-" before it if descending; onsort(sort) is called with the
 * chosen one. The caption is read by screen readers only.
 */
export function table({caption, columns, items, sort, onsort}) {
    return h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": caption},
        h("table", {class: "list", role: "table"},
            h("caption", {class: "unseen"}, caption),
            h("thead", {role: "rowgroup"}, h("tr", {role: "row"},
                columns.map((one) => header(one, sort, onsort)))),
            h("tbody", {role: "rowgroup"}, items.map((item) => row(item, columns)))));
}

/* Names and values of one item. Those without a value are left out. */
export function facts(pairs) {
    return h("dl", {class: "facts"}, pairs
        .filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
}
