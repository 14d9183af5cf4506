/* SPDX-License-Identifier: Apache-2.0 */
import {h} from "./dom.js";

const RELEASE_MS = 60000; // by then the browser has begun to save the file

/* Lets the browser save a blob under this name. */
export function save(blob, name) {
    const address = URL.createObjectURL(blob);
    h("a", {href: address, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(address), RELEASE_MS);
}
