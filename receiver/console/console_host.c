/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_host.h"

#include "libcommon/config/listen_address.h"
#include "libcommon/http/ip_network.h"
#include "libcommon/http/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HOST_BYTES 300

/*
 * Splits `name`, `name:port` or `[::1]:port` into the name without brackets, which hold an IPv6
 * address (RFC 3986). False for anything else, and for a name that is too long.
 */
static bool read_host(const char *text, char ret[static HOST_BYTES])
{
    bool bracketed = text[0] == '[';
    const char *begin = text + bracketed;
    size_t len = strcspn(begin, bracketed ? "]" : ":");
    const char *rest = begin + len;
    if (len == 0 || len >= HOST_BYTES || (bracketed && *rest++ != ']'))
        return false;
    if (*rest == ':')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (*rest != '\0')
        return false;
    memcpy(ret, begin, len);
    ret[len] = '\0';
    return !bracketed || (strchr(ret, ':') != NULL && sh_ip_is_address(ret));
}

static bool is_loopback(const char *name)
{
    sh_url url = {.port = 0};
    size_t len = strlen(name);
    if (len >= sizeof url.host)
        return false;
    memcpy(url.host, name, len + 1);
    return sh_url_is_loopback(&url);
}

static bool is_listened(const sh_settings *settings, const char *name)
{
    char listened[64];
    uint16_t port = 0;
    if (sh_listen_read(sh_slice_of(settings->console_listen), listened, &port, NULL) != SH_OK)
        return false;
    if (strcmp(listened, "0.0.0.0") == 0 || strcmp(listened, "::") == 0)
        return sh_ip_is_address(name); /* which no DNS can choose */
    return strcasecmp(listened, name) == 0;
}

/* Whether an entry of SYNC_console_url has this `name:port`. */
static bool is_url(const char *entry, const char *host)
{
    const char *at = strstr(entry, "://");
    return at != NULL && strcasecmp(at + 3, host) == 0;
}

bool console_host_is_own(const sh_settings *settings, const char *host)
{
    char name[HOST_BYTES];
    if (host == NULL || !read_host(host, name))
        return false;
    if (is_loopback(name) || is_listened(settings, name))
        return true;
    for (size_t i = 0; i < settings->console_url.count; i++)
        if (is_url(settings->console_url.items[i], host))
            return true;
    return false;
}

bool console_host_has_https(const sh_settings *settings, const char *host)
{
    for (size_t i = 0; host != NULL && i < settings->console_url.count; i++) {
        const char *entry = settings->console_url.items[i];
        if (is_url(entry, host) && strncasecmp(entry, "https:", 6) == 0)
            return true;
    }
    return false;
}

bool console_origin_is_own(const console_origin *request, bool *stated)
{
    *stated = request->origin != NULL || request->fetch_site != NULL;
    if (request->fetch_site != NULL && strcasecmp(request->fetch_site, "same-origin") != 0)
        return false;
    if (request->origin == NULL)
        return true;
    /* The scheme is that of the page: a proxy in front may speak https. */
    const char *at = strstr(request->origin, "://");
    return at != NULL && request->host != NULL && strcasecmp(at + 3, request->host) == 0;
}
