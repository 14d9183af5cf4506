/* SPDX-License-Identifier: Apache-2.0 */
/* Blocklist: devices that are never inserted. */
import {post, remove} from "./api.js";
import {actionButton, actionForm, field} from "./confirm.js";
import {foreign, h, replace} from "./dom.js";
import {ago, count, moment} from "./format.js";
import {paged} from "./paged.js";
import {empty, loading} from "./states.js";
import {table} from "./table.js";

export const title = "Blocklist";

function columns(outcome, again) {
    return [
        {title: "MAC", cell: (one) => foreign(one.mac)},
        {title: "Note", cell: (one) => foreign(one.note)},
        {title: "Blocked by", cell: (one) => one.source === "blocklist" ? "the blocklist"
            : h("code", null, one.source)},
        {title: "Added", cell: (one) => one.added ? h("time", {datetime: one.added,
            title: moment(one.added)}, ago(one.added)) : ""},
        {title: "Actions", cell: (one) => one.source === "blocklist" ? actionButton("Unblock",
            outcome, async () => {
                await remove(`/blocklist/${encodeURIComponent(one.mac)}`);
                again();
                return "Unblocked. It appears with the next table of its node.";
            }, {class: "quiet", "data-key": `unblock-${one.mac}`,
                "aria-label": `Unblock ${one.mac}`}) : "by that setting"},
    ];
}

function blockForm(mac, outcome, again) {
    const block = actionButton("Block", outcome, async () => {
        if (!form.reportValidity())
            return "";
        const values = new FormData(form);
        const macs = values.get("macs").split(/[,;]/).map((one) => one.trim()).filter(Boolean);
        const {added} = await post("/blocklist", {macs, note: values.get("note")});
        form.reset();
        again();
        return added === macs.length ? "Blocked." : `${count(added)} blocked, ` +
            `${count(macs.length - added)} were blocked before.`;
    });
    const form = actionForm(block,
        field("MACs, separated by commas", {name: "macs", required: true, value: mac ?? "",
            placeholder: "00:11:22:33:44:55"}),
        field("Note", {name: "note", maxlength: "200"}));
    return form;
}

export function show(place) {
    const outcome = h("div", {id: "outcome"});
    const list = h("div", null, loading());
    const updates = paged(place, "/blocklist", null, (items, more) => replace(list,
        items.length === 0
            ? empty("No device is blocked.", "Block those that come and go and that you do not " +
                "want to see, such as phones of guests.")
            : table({caption: title, columns: columns(outcome, updates.now), items}), more));
    replace(place.main, h("h1", null, title), h("p", null, "These devices are never inserted, " +
        "whichever node sees them. Devices that are there already stay."),
    blockForm(place.parameters.mac, outcome, () => updates.now()), outcome, list);
    return updates.stop;
}
