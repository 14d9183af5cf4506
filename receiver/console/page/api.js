/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the hub's API, /api/v1. Times out, and turns every failure into an ApiError. */
const BASE = "/api/v1";
const TIMEOUT_MS = 15000;
const FILE_TIMEOUT_MS = 300000;

/* status is 0 if the hub did not answer. problem is its RFC 9457 document, if it sent one. */
export class ApiError extends Error {
    constructor(message, status, problem) {
        super(message);
        this.name = "ApiError";
        this.status = status;
        this.problem = problem ?? null;
    }

    get isAway() {
        return this.status === 0 || this.status === 502 || this.status === 503 ||
            this.status === 504;
    }
}

async function problemOf(response) {
    const type = response.headers.get("Content-Type") ?? "";
    if (!type.includes("json"))
        return null;
    try {
        return await response.json();
    } catch {
        return null; // the message below names the status
    }
}

async function failure(response) {
    const problem = await problemOf(response);
    const text = problem?.detail ?? problem?.title ?? `The hub answered ${response.status}.`;
    return new ApiError(text, response.status, problem);
}

function query(parameters) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters ?? {}))
        if (value !== null && value !== undefined && value !== "" && value !== false)
            search.append(name, value);
    /* The hub takes a "+" in a request line for a space, which it refuses there. */
    const text = search.toString().replaceAll("+", "%20");
    return text === "" ? "" : `?${text}`;
}

function address(path, parameters) {
    return BASE + path + query(parameters);
}

/* The JSON document of an answer, or null where there is none. */
function readJson(response) {
    return response.status === 204 ? null : response.json();
}

function typeOf(body, file) {
    if (file !== undefined)
        return {"Content-Type": "application/octet-stream"};
    return body === undefined ? {} : {"Content-Type": "application/json"};
}

/*
 * One exchange. The browser keeps answers and asks with their ETag (no-cache), so what did not
 * change is not sent again. Resolves to what read(response) does.
 */
async function exchange(method, path, {parameters, body, file, signal, read = readJson,
    timeout = TIMEOUT_MS} = {}) {
    const headers = {Accept: read === readJson ? "application/json" : "*/*", ...typeOf(body, file)};
    const signals = [AbortSignal.timeout(timeout), signal].filter(Boolean);
    let response;
    try {
        response = await fetch(address(path, parameters), {
            method, headers, cache: "no-cache", credentials: "same-origin", redirect: "error",
            body: body === undefined ? file : JSON.stringify(body),
            signal: AbortSignal.any(signals),
        });
        if (!response.ok)
            throw await failure(response);
        return await read(response);
    } catch (error) {
        if (error instanceof ApiError || signal?.aborted)
            throw error;
        throw new ApiError("The hub does not answer.", response?.status ?? 0);
    }
}

/* The answer that the first view needs, asked for while the other modules still load. */
let early = null;

export function askEarly(path) {
    early = {path, answer: exchange("GET", path)};
    early.answer.catch(() => {}); // whoever takes it handles it
}

export function get(path, parameters, signal) {
    if (early?.path !== path || parameters)
        return exchange("GET", path, {parameters, signal});
    const {answer} = early;
    early = null;
    return answer;
}

/* A page of a CSV file as {blob, next}: next is null on the last one. */
export const getCsv = (path, parameters, signal) => exchange("GET", path, {parameters, signal,
    read: async (response) => ({blob: await response.blob(),
        next: response.headers.get("Synchub-Next")})});
export const post = (path, body) => exchange("POST", path, {body: body ?? {}});
/* Files of any size: the hub answers when it is done. */
export const postForFile = (path) => exchange("POST", path,
    {read: (response) => response.blob(), timeout: FILE_TIMEOUT_MS});
export const postFile = (path, file, parameters) => exchange("POST", path,
    {parameters, file, timeout: FILE_TIMEOUT_MS});
export const put = (path, body) => exchange("PUT", path, {body});
export const patch = (path, body) => exchange("PATCH", path, {body});
export const remove = (path) => exchange("DELETE", path);
