/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of a node as text: `site=Berlin floor=2`. A value with a space is written in quotes. */

export function labelsText(labels) {
    return Object.entries(labels).map(([key, value]) =>
        `${key}=${/[\s"]/.test(value) ? JSON.stringify(value) : value}`).join(" ");
}

function readValue(text) {
    if (!text.startsWith('"'))
        return text;
    try {
        return JSON.parse(text);
    } catch {
        throw new Error(`This value has a quote too many or too few: ${text}`);
    }
}

/* The reverse. Throws an Error with what is wrong. */
export function readLabels(text) {
    const labels = [];
    for (const [pair] of text.matchAll(/[^\s="]*=?(?:"(?:[^"\\]|\\.)*"|\S*)/g)) {
        if (pair === "")
            continue;
        const at = pair.indexOf("=");
        if (at < 1)
            throw new Error(`Labels are written as key=value, separated by spaces: ${pair}`);
        labels.push([pair.slice(0, at), readValue(pair.slice(at + 1))]);
    }
    return Object.fromEntries(labels); // also of one called `__proto__`
}
