/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_URL_H
#define SH_URL_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* The parts of a URL (RFC 3986), each NUL-terminated; "" if absent. */
typedef struct {
    char scheme[16];       /* lower case */
    char user[256];        /* percent-decoded */
    char password[256];    /* percent-decoded; a secret */
    char host[256];        /* an IPv6 address without brackets */
    uint16_t port;         /* 0 if absent */
    char path[SH_URL_MAX]; /* as written, with leading '/' and with query */
} sh_url;

/*
 * Splits an absolute URL of at most SH_URL_MAX bytes without spaces or control characters. The
 * message of SH_E_FORMAT never contains a password; SH_E_LIMIT.
 */
sh_err sh_url_read(sh_slice text, sh_url *ret, sh_error *error);

/*
 * Checks the URL of a server: http or https, a host, no user, query or fragment. Errors as above.
 */
sh_err sh_url_check_http(sh_slice text, sh_error *error);

/* Whether the host is the loopback by name (localhost) or address (127/8, ::1). */
bool sh_url_is_loopback(const sh_url *url);

#endif
