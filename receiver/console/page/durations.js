/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as people type them. */

/* Seconds as "90s", "15m", "12h" or "7d"; nothing for null. */
export function durationText(seconds) {
    if (seconds === null || seconds === undefined)
        return "";
    const [unit, size] = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]
        .find(([, one]) => seconds % one === 0);
    return `${seconds / size}${unit}`;
}

/* The reverse; null for an empty text. Throws an Error with what is wrong. */
export function readDuration(text) {
    if (text.trim() === "")
        return null;
    const match = text.trim().match(/^(\d+)([smhd])$/);
    if (!match)
        throw new Error(`A duration is a number and a unit, such as 90s, 15m, 12h, 7d: ${text}`);
    return Number(match[1]) * {s: 1, m: 60, h: 3600, d: 86400}[match[2]];
}
