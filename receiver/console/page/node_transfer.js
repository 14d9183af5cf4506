/* SPDX-License-Identifier: Apache-2.0 */
/* Moves the credentials of all nodes to another hub: a file that only the same key opens. */
import {postFile, postForFile} from "./api.js";
import {actionButton, actionForm, confirm, field, flag} from "./confirm.js";
import {h, replace} from "./dom.js";
import {count} from "./format.js";
import {save} from "./save.js";

function sentence(done) {
    const later = done.published ? "" : " They work as soon as the hub reaches Redis.";
    return `${count(done.imported)} imported, ${count(done.kept)} kept that exist here.${later}`;
}

async function importFile(form, outcome) {
    const values = new FormData(form);
    const file = values.get("file");
    const replaces = values.has("replace");
    if (replaces && !await confirm("Replace credentials?", "Nodes that have credentials here " +
        "get those of the file. What they use now is refused then.", "Replace"))
        return "";
    replace(outcome, h("p", {role: "status"}, h("progress", {"aria-label": "Import"}),
        " Importing …"));
    return sentence(await postFile("/credentials/import", file, {replace: replaces}));
}

export function nodeTransfer() {
    const outcome = h("div");
    const exports = actionButton("Export", outcome, async () => {
        save(await postForFile("/credentials/export"), "synchub-credentials.txt");
        return "Saved. Who has this hub's SYNC_encryption_key can open the file.";
    }, {class: "quiet"});
    const imports = actionButton("Import", outcome, async () =>
        form.reportValidity() ? await importFile(form, outcome) : "", {class: "quiet"});
    const form = actionForm(imports,
        field("File of another hub", {name: "file", type: "file", required: true}),
        flag("Replace what nodes have here", {name: "replace"}));
    return h("section", null, h("h2", null, "Move nodes from another hub"), h("p", null,
        "The credentials of all nodes, as a sealed file: a hub with the same " +
        "SYNC_encryption_key imports them, and the nodes need no change but the address."),
    h("div", {class: "actions"}, exports), form, outcome);
}
