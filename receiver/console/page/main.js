/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the page: shows the view that the address names, and changes it with the address. */
import {ApiError, remove} from "./api.js";
import {h, replace} from "./dom.js";
import {current, go, link} from "./router.js";
import {failed} from "./states.js";
import {MENU, VIEWS} from "./views.js";

const main = document.getElementById("main");
const away = document.getElementById("away");
const menu = document.getElementById("menu");
const logout = document.getElementById("logout");
let end = null;
let isAway = false;

function showMenu(path, isPublic) {
    menu.hidden = isPublic;
    logout.hidden = isPublic;
    const active = {node: "nodes", device: "devices"}[path[0]] ?? path[0] ?? "";
    replace(menu, h("ul", null, MENU.map(([target, title]) => h("li", null, h("a",
        {href: link(target), "aria-current": (target[0] ?? "") === active ? "page" : null},
        title)))));
}

function setAway(value) {
    isAway = value;
    away.hidden = !value;
    replace(away, value ? "The hub does not answer. Trying again …" : null);
}

/* What no view shows: a session that ended, a hub that is away. */
function onFailure(error, again) {
    if (error instanceof ApiError && error.status === 401) {
        go(["login"], {to: location.hash}, {replaces: true});
        return;
    }
    if (error instanceof ApiError && error.isAway) {
        const first = !isAway && main.querySelector(".loading");
        setAway(true);
        if (first)
            replace(main, failed(error, again));
        return;
    }
    replace(main, failed(error, again));
    if (!(error instanceof ApiError))
        throw error;
}

function show() {
    end?.();
    end = null;
    const {path, parameters} = current();
    const view = VIEWS[path[0] ?? ""];
    showMenu(path, view === VIEWS.login);
    if (!view) {
        replace(main, h("h1", null, "No such page"), h("p", null,
            h("a", {href: link([])}, "Back to the overview")));
        return;
    }
    document.title = `${view.title} · Sync Hub`;
    end = view.show({main, name: path[1], parameters,
        ok: () => isAway && setAway(false),
        failed: (error) => onFailure(error, show)}) ?? null;
}

function navigate() {
    if (location.hash === "#main")
        return;
    show();
    main.focus({preventScroll: true});
    window.scrollTo(0, 0);
}

logout.addEventListener("click", async () => {
    try {
        await remove("/session");
        go(["login"]);
    } catch (error) {
        onFailure(error, show);
    }
});
document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
});
window.addEventListener("hashchange", navigate);
show();
