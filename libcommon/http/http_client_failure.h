/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_CLIENT_FAILURE_H
#define SH_HTTP_CLIENT_FAILURE_H

#include "libcommon/base/error.h"
#include "libcommon/http/http_names.h"
#include "libcommon/http/proxy.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the module http_client: what a person reads when an exchange failed. */

#define HTTP_CONNECT_TIMEOUT_MAX_MS 10000
#define HTTP_URL_SHOWN 200 /* bytes of a URL in a message */

typedef struct {
    CURL *easy;
    CURLcode code;
    const char *detail; /* curl's own words, or "" */
    const char *url;    /* no password is in it */
    const sh_http_client_names *names;
    const sh_proxy *proxy; /* that it went through, or would have */
    int64_t timeout_ms;
    size_t answer_max, body_len; /* of the answer: allowed, and received */
} http_client_failure;

/*
 * Turns curl's code into ours, with what happened, which host or proxy, and the setting or variable
 * to look at. Always a failure: SH_E_NETWORK, SH_E_LIMIT, SH_E_CONFIG, SH_E_MEMORY.
 */
sh_err http_client_fail(const http_client_failure *failure, sh_error *error);

#endif
