/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_page.h"

#include "receiver/console/console_assets.h"
#include "receiver/console/console_reply.h"

#include <string.h>

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
    };
    const char *ending = strrchr(name, '.');
    for (size_t i = 0; ending != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].ending, ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

bool console_page_reply(sh_http_exchange *exchange, const char *path)
{
    const char *name = strcmp(path, "/") == 0 ? "index.html" : path + (path[0] == '/');
    for (const console_asset *a = console_assets; a->name != NULL; a++) {
        if (strcmp(a->name, name) != 0)
            continue;
        console_reply_body(exchange, 200, type_of(name), (sh_slice){(const char *)a->data, a->len});
        return true;
    }
    return false;
}
