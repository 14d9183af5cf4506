/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements made of data. Text always becomes a text node, never markup, because names of devices
 * and reasons of refusals come from strangers.
 */
import {visible} from "./text.js";

function append(parent, child) {
    if (child === null || child === undefined || child === false)
        return;
    if (Array.isArray(child))
        child.forEach((one) => append(parent, one));
    else
        parent.append(child instanceof Node ? child : visible(String(child)));
}

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (name.startsWith("on"))
            element.addEventListener(name.slice(2), value);
        else if (value === true)
            element.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined)
            element.setAttribute(name, value);
    }
    append(element, children);
    return element;
}

/* An element. Attributes that start with "on" are listeners; false and null leave one out. */
export function h(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

/* The same for SVG. */
export function svg(tag, attributes, ...children) {
    return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/* A text from a stranger: isolated, so that its direction does not turn the text around it. */
export function foreign(text) {
    return h("bdi", null, text);
}

function focusOf(container) {
    const active = document.activeElement;
    return container.contains(active) ? active.id || active.dataset.key || null : null;
}

/* Replaces the content of an element. What had the focus has it again if it is still there. */
export function replace(container, ...children) {
    const key = focusOf(container);
    const content = document.createDocumentFragment();
    append(content, children);
    container.replaceChildren(content);
    if (key === null)
        return;
    for (const element of container.querySelectorAll("[id], [data-key]"))
        if (element.id === key || element.dataset.key === key)
            element.focus({preventScroll: true});
}
