/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator sets of a node, and its credentials. */
import {get, patch, post, remove} from "./api.js";
import {actionButton, actionForm, confirm, field, flag} from "./confirm.js";
import {credentialText} from "./credential_text.js";
import {h, replace} from "./dom.js";
import {durationText, readDuration} from "./durations.js";
import {ago, moment} from "./format.js";
import {labelsText, readLabels} from "./labels.js";
import {go} from "./router.js";
import {facts} from "./table.js";

const GRACE_S = 86400; /* for which a node's older credentials work, too */

/*
 * What the form changed, as PATCH takes it: fields that are as they were may have been changed by
 * somebody else since. silent_after_s is what applies, also if nobody has set it.
 */
function changes(before, after) {
    const all = {};
    if (after.note !== before.note)
        all.note = after.note;
    if (after.ephemeral !== before.ephemeral)
        all.ephemeral = after.ephemeral;
    if (after.silent !== before.silent)
        all.silent_after_s = readDuration(after.silent);
    const [had, has] = [readLabels(before.labels), readLabels(after.labels)];
    const labels = Object.entries(has).filter(([key, value]) => had[key] !== value);
    const removed = Object.keys(had).filter((key) => !Object.hasOwn(has, key));
    if (labels.length > 0 || removed.length > 0)
        all.labels = Object.fromEntries([...labels, ...removed.map((key) => [key, null])]);
    return all;
}

/* Filled once, so that nothing is overwritten while somebody types. */
export function operatorForm(node, path, again) {
    const outcome = h("div");
    let saved = {note: node.note ?? "", labels: labelsText(node.labels),
        silent: durationText(node.silent_after_s), ephemeral: node.ephemeral};
    const save = actionButton("Save", outcome, async () => {
        const values = new FormData(form);
        const now = {note: values.get("note"), labels: values.get("labels"),
            silent: values.get("silent"), ephemeral: values.has("ephemeral")};
        await patch(path, changes(saved, now));
        saved = now;
        again();
        return "Saved.";
    });
    const form = actionForm(save,
        field("Note", {name: "note", value: node.note}),
        field("Labels", {name: "labels", value: labelsText(node.labels),
            placeholder: "site=Berlin floor=2"}),
        field("Silent after", {name: "silent", value: durationText(node.silent_after_s),
            placeholder: "by its interval"}),
        flag("Ephemeral: may disappear", {name: "ephemeral", checked: node.ephemeral}));
    return [form, outcome];
}

/* When they were made, used and end; nothing for a node without its own. */
async function credentialFacts(path, container) {
    const state = await get(`${path}/credentials`);
    const time = (value) => value && `${moment(value)} (${ago(value)})`;
    replace(container, facts([
        ["State", state.state], ["Made", time(state.created)],
        ["Last used", time(state.last_used) ?? "never"],
        ["The older ones work until", time(state.rotates_until)],
        ["The shared ones work until", time(state.shared_until)],
        ["Revoked", time(state.revoked)],
        ["Format", state.protocol === "any" ? "native and NetAlertX's" : "native"]]));
}

const QUESTIONS = {
    own: "Those that the node has now work for another day. Set the new ones there meanwhile.",
    shared: "The shared token and key work for this node for another day. Set the new ones there " +
        "meanwhile.",
    revoked: "The node is accepted again with the new ones.",
};

async function newCredentials(node, path) {
    if (!await confirm("New credentials?", QUESTIONS[node.credentials], "New credentials"))
        return "";
    if (node.credentials === "own")
        return post(`${path}/credentials/rotate`, {grace_s: GRACE_S});
    return post(`${path}/credentials`, {netalertx: node.protocol === "netalertx",
        grace_s: node.credentials === "shared" ? GRACE_S : 0});
}

async function revoke(node, path) {
    if (!await confirm(`Revoke ${node.name}?`, "The hub refuses this node from now on, also " +
        "with the shared token.", "Revoke"))
        return "";
    await remove(`${path}/credentials`);
    return "Revoked.";
}

async function forget(node, path) {
    if (!await confirm(`Forget ${node.name}?`, "What the hub knows of it is deleted. Its devices " +
        "stay. It appears again if it is in contact again.", "Forget"))
        return "";
    await remove(path);
    go(["nodes"]);
    return "";
}

/*
 * The node's credentials and what can be done with them: {elements, update(node)}. What an action
 * answered stays when the node is read again, as new credentials are shown only once.
 */
export function credentialSection(path, again) {
    const known = h("div");
    const actions = h("div", {class: "actions"});
    const outcome = h("div");
    const secrets = h("div"); // new credentials stay until others are made or the view is left
    let kind = null;

    function button(title, action, look) {
        return actionButton(title, outcome, async () => {
            const result = await action();
            kind = null;
            again();
            return result;
        }, {class: look, "data-key": `action-${title}`});
    }

    function update(node) {
        if (node.credentials === kind)
            return;
        kind = node.credentials;
        if (kind === "shared")
            replace(known, h("p", null, "It uses the token and key that all nodes share."));
        else
            credentialFacts(path, known).catch((error) => replace(known,
                h("p", {class: "error"}, error.message)));
        replace(actions,
            button("New credentials", async () => {
                const made = await newCredentials(node, path);
                if (made !== "")
                    replace(secrets, credentialText(made));
                return made === "" ? "" : "The node has new credentials.";
            }, "quiet"),
            kind === "own" ? button("Revoke", () => revoke(node, path), "danger") : null,
            kind === "own" ? null : button("Forget", () => forget(node, path), "danger"));
    }
    return {elements: [known, actions, outcome, secrets], update};
}
