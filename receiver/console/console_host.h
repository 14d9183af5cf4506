/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_HOST_H
#define RECEIVER_CONSOLE_HOST_H

#include "libcommon/config/settings.h"

#include <stdbool.h>

/* Which requests the console accepts by their Host and origin. */

/*
 * Whether Host names the console: the loopback, the address it listens on (any address, if it
 * listens on all), or a host of SYNC_console_url. Another name is one that somebody else's DNS
 * leads here (DNS rebinding).
 */
bool console_host_is_own(const sh_settings *settings, const char *host);

/* Whether the console is reached at this host by https, through a proxy. */
bool console_host_has_https(const sh_settings *settings, const char *host);

/* Headers of a request that tell which page sent it; NULL: it has none. */
typedef struct {
    const char *host, *origin, *fetch_site;
} console_origin;

/* Whether a page of the console sent it, or no page at all; *stated: a header says which page. */
bool console_origin_is_own(const console_origin *request, bool *stated);

#endif
