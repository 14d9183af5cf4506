/* SPDX-License-Identifier: Apache-2.0 */
/* A chart of hourly values as SVG, with the same figures as a table for those who cannot see it. */
import {h, svg} from "./dom.js";
import {count, moment} from "./format.js";

const WIDTH = 600;
const NARROW = 340;
const HEIGHT = 160;
const LEFT = 52;
const TOP = 8;
const BOTTOM = 22;
const TICKS = 2;

/* The smallest of 1, 2, 5 times a power of ten that is not below the value: the end of the axis. */
export function axisEnd(value) {
    if (!(value > 0))
        return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].map((factor) => factor * power).find((end) => end >= value);
}

/* Values as path commands. A null leaves a gap, because there nothing was measured. */
export function pathOf(values, end, width = WIDTH) {
    const step = values.length > 1 ? (width - LEFT) / (values.length - 1) : 0;
    let command = "M";
    let path = "";
    values.forEach((value, i) => {
        if (value === null || value === undefined) {
            command = "M";
            return;
        }
        const y = TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / end);
        path += `${command}${(LEFT + i * step).toFixed(1)} ${y.toFixed(1)}`;
        if (command === "M" && (values[i + 1] === null || values[i + 1] === undefined))
            path += "h0.1"; // a single point is drawn as a dot
        command = "L";
    });
    return path;
}

function axis(end, times, shown, width) {
    const lines = [];
    for (let i = 0; i <= TICKS; i++) {
        const y = TOP + (HEIGHT - TOP - BOTTOM) * (1 - i / TICKS);
        lines.push(svg("line", {class: "grid", x1: LEFT, x2: width, y1: y, y2: y}),
            svg("text", {class: "tick", x: LEFT - 6, y: y + 4, "text-anchor": "end"},
                shown(end * i / TICKS)));
    }
    const places = [[0, LEFT, "start"], [times.length - 1, width, "end"]];
    for (const [i, x, anchor] of times.length > 1 ? places : [])
        lines.push(svg("text", {class: "tick", x, y: HEIGHT - 6, "text-anchor": anchor},
            moment(times[i]).slice(0, 16)));
    return lines;
}

function compact(value) {
    return new Intl.NumberFormat("en", {notation: "compact", maximumSignificantDigits: 3})
        .format(value);
}

function figures(times, series, shown) {
    const rows = times.map((time, i) => h("tr", null, h("th", {scope: "row"}, moment(time)),
        series.map((one) => h("td", {class: "number"}, shown(one.values[i] ?? null)))));
    return h("table", null,
        h("thead", null, h("tr", null, h("th", {scope: "col"}, "Hour"),
            series.map((one) => h("th", {scope: "col", class: "number"}, one.name)))),
        h("tbody", null, rows));
}

/*
 * title: what the chart shows; times: RFC 3339, one an hour; series: [{name, values}], as many
 * values as times, null where nothing is known; shown: how a value is written.
 */
export function chart({title, times, series, shown = count}) {
    const values = series.flatMap((one) => one.values).filter((one) => one !== null);
    const head = h("h3", null, title);
    if (values.length === 0)
        return h("section", {class: "chart"}, head,
            h("p", {class: "empty"}, "No figures yet. The hub records them once an hour."));
    const top = Math.max(...values);
    const end = axisEnd(top);
    const last = values[values.length - 1];
    const width = window.innerWidth < 500 ? NARROW : WIDTH; /* so that its text stays readable */
    const label = `${title}: now ${shown(last)}, at most ${shown(top)} in ${times.length} hours`;
    const lines = series.map((one) => svg("path", {class: "line",
        d: pathOf(one.values, end, width)}));
    const details = h("details", {class: "figures"}, h("summary", null, "Figures"));
    details.addEventListener("toggle", () => {
        if (details.open && details.children.length === 1)
            details.append(h("div", {class: "scroll", tabindex: "0", role: "region",
                "aria-label": `${title}: figures`}, figures(times, series, shown)));
    });
    return h("section", {class: "chart"}, head,
        svg("svg", {viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label},
            axis(end, times, compact, width), lines),
        details);
}
