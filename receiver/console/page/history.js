/* SPDX-License-Identifier: Apache-2.0 */
/* The charts of the hub's hourly figures, of one node or of all. */
import {get} from "./api.js";
import {chart} from "./chart.js";
import {h, replace} from "./dom.js";
import {duration} from "./format.js";
import {failed} from "./states.js";

const HOURS = 168;
const HOUR_MS = 3600000;
const INTERVAL_MS = 300000;

/*
 * Every hour from the first one recorded to now. The hub records only hours in which something
 * came: counts of others are 0, and what was not measured is null.
 */
export function everyHour(items, nowMs = Date.now()) {
    if (items.length === 0)
        return [];
    const recorded = new Map(items.map((one) => [Date.parse(one.at), one]));
    const last = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
    const first = Math.max(Date.parse(items[0].at), last - (HOURS - 1) * HOUR_MS);
    const hours = [];
    for (let at = first; at <= last; at += HOUR_MS)
        hours.push(recorded.get(at) ?? {at: new Date(at).toISOString(), pushes: 0, inserted: 0,
            lag_max_ms: null, queue_max: null});
    return hours;
}

function milliseconds(ms) {
    if (ms === null)
        return "";
    return ms < 1000 ? `${Math.round(ms)} ms` : duration(ms / 1000);
}

function charts(hours, isHub) {
    const times = hours.map((one) => one.at);
    const line = (title, name, key, more) => ({title, times,
        series: [{name, values: hours.map((one) => one[key])}], ...more});
    const all = [
        line("Tables and results merged an hour", "merged", "pushes"),
        line("New devices an hour", "new devices", "inserted"),
        line("Longest time from queue to database", "time", "lag_max_ms", {shown: milliseconds}),
        isHub ? line("Most entries in the queue", "entries", "queue_max") : null,
    ];
    return h("div", {class: "charts"}, all.filter(Boolean).map(chart));
}

/* Fills the container with the charts of the last week and keeps them current. Returns its end. */
export function historyCharts(container, node) {
    const end = new AbortController();
    async function read() {
        try {
            const {items} = await get("/history", {node, hours: HOURS}, end.signal);
            replace(container, h("h2", null, "The last seven days"),
                charts(everyHour(items), !node));
        } catch (error) {
            if (!end.signal.aborted)
                replace(container, failed(error, read));
        }
    }
    const timer = setInterval(read, INTERVAL_MS);
    read();
    return () => {
        clearInterval(timer);
        end.abort();
    };
}
