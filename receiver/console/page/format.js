/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, times and durations as people read them. */
const numbers = new Intl.NumberFormat("en");
const dates = new Intl.DateTimeFormat("en-CA", {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    second: "2-digit", hourCycle: "h23", timeZoneName: "short",
});
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/* 1234567 → "1,234,567"; nothing for null. */
export function count(value) {
    return value === null || value === undefined ? "" : numbers.format(value);
}

/* Bytes with the unit that leaves at least one digit before the point. */
export function bytes(value) {
    if (value === null || value === undefined)
        return "";
    const names = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (value >= 1024 && unit < names.length - 1) {
        value /= 1024;
        unit++;
    }
    return `${unit === 0 ? value : value.toFixed(1)} ${names[unit]}`;
}

/* Seconds as its two largest units: "3 d 4 h". */
export function duration(seconds) {
    if (seconds === null || seconds === undefined)
        return "";
    let rest = Math.max(0, Math.round(seconds));
    const parts = [];
    for (const [name, size] of UNITS) {
        const n = Math.floor(rest / size);
        rest -= n * size;
        if (n > 0 && parts.length < 2)
            parts.push(`${n} ${name}`);
        else if (parts.length > 0)
            break;
    }
    return parts.join(" ") || "0 s";
}

/* An RFC 3339 time in the browser's zone, which is named. */
export function moment(time) {
    return time ? dates.format(new Date(time)).replace(",", "") : "";
}

/* How long ago a time was; one in the future is named as that. */
export function ago(time, nowMs = Date.now()) {
    if (!time)
        return "never";
    const seconds = (nowMs - Date.parse(time)) / 1000;
    if (seconds < -5)
        return `in ${duration(-seconds)}`;
    return seconds < 5 ? "now" : `${duration(seconds)} ago`;
}
