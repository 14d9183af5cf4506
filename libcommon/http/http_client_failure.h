/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_CLIENT_FAILURE_H
#define SH_HTTP_CLIENT_FAILURE_H

#include "libcommon/base/error.h"
#include "libcommon/http/http_client_silence.h"
#include "libcommon/http/http_setting_names.h"
#include "libcommon/http/proxy_environment.h"
#include "libcommon/os/host_addresses.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the module http_client: messages for failed exchanges. */

#define HTTP_CONNECT_TIMEOUT_MAX_MS 10000
#define HTTP_URL_SHOWN 200 /* bytes of a URL in a message */

typedef struct {
    CURL *easy;
    CURLcode code;
    const char *detail; /* curl's message, or "" */
    const char *url;    /* without password */
    const sh_http_client_names *names;
    const sh_proxy *proxy;              /* used for the exchange */
    const sh_host_addresses *addresses; /* that were tried */
    int64_t timeout_ms;
    size_t answer_max, body_len; /* of the answer: allowed and received */
} http_client_failure;

/*
 * Converts curl's code to a sh_err; the message says what happened, with which host or proxy, and
 * which setting or variable to check. Always a failure: SH_E_NETWORK, SH_E_LIMIT, SH_E_CONFIG,
 * SH_E_MEMORY.
 */
sh_err http_client_fail(const http_client_failure *failure, sh_error *error);

/* The message for a peer that was silent in a step for limit_ms. Always SH_E_NETWORK. */
sh_err http_client_fail_silent(const http_client_failure *failure, http_client_step step,
                               int64_t limit_ms, sh_error *error);

#endif
