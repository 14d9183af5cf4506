/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views by the part of the address after "#", which is not sent to the server: "#/nodes?state=late"
 * is the path ["nodes"] with the parameters state=late.
 */

/* Names in a path are encoded each, so that they may contain "/". */
export function link(path, parameters) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters ?? {}))
        if (value !== null && value !== undefined && value !== "")
            search.append(name, value);
    const text = search.toString();
    return `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part; // not encoded by link(): taken as it is
    }
}

export function current() {
    const [path, search] = location.hash.replace(/^#\/?/, "").split("?", 2);
    return {path: path.split("/").filter(Boolean).map(decode),
        parameters: Object.fromEntries(new URLSearchParams(search ?? ""))};
}

/* Goes to a view, with an entry in the history unless this replaces the current one. */
export function go(path, parameters, {replaces = false} = {}) {
    const target = link(path, parameters);
    if (target === location.hash)
        window.dispatchEvent(new HashChangeEvent("hashchange"));
    else if (replaces)
        location.replace(target);
    else
        location.hash = target;
}
