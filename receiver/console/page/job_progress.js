/* SPDX-License-Identifier: Apache-2.0 */
/* How far a job of the hub is. It goes on there, whether or not this page is open. */
import {get, remove} from "./api.js";
import {h, replace} from "./dom.js";
import {count} from "./format.js";

const INTERVAL_MS = 500;

export function isActive(job) {
    return job.state === "running" || job.state === "waiting";
}

function wait() {
    return new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
}

/* The job as it is now; as before while the hub is away. */
async function update(job) {
    try {
        return await get(`/jobs/${encodeURIComponent(job.id)}`);
    } catch (error) {
        if (error.isAway)
            return job;
        throw error;
    }
}

function sentence(job) {
    const did = job.action === "retry" ? "queued again" : "dropped";
    const text = `${count(job.done)} of ${count(job.total)} ${did}.`;
    return job.state === "cancelled" ? `${text} The rest stays.` : text;
}

/* Shows the job until it ends or the element is gone; resolves to what came of it. */
export async function follow(job, container) {
    const bar = h("progress", {max: Math.max(job.total, 1), value: 0, "aria-label": job.action});
    const text = h("p", {role: "status"});
    const cancel = h("button", {type: "button", class: "quiet", "data-key": "cancel-job",
        onclick: () => remove(`/jobs/${job.id}`).catch((error) => replace(text, error.message))},
    "Cancel");
    replace(container, h("div", {class: "notice"}, bar, text, cancel));
    let now = job;
    while (isActive(now)) {
        bar.value = now.done;
        replace(text, now.message ?? `${count(now.done)} of ${count(now.total)} …`);
        await wait();
        if (!container.isConnected)
            return "";
        now = await update(now);
    }
    return sentence(now);
}
