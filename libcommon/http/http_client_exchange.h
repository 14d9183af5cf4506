/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_CLIENT_EXCHANGE_H
#define SH_HTTP_CLIENT_EXCHANGE_H

#include "libcommon/base/error.h"
#include "libcommon/http/http_answer.h"
#include "libcommon/http/http_client_failure.h"
#include "libcommon/http/http_client_silence.h"
#include "libcommon/http/http_client_stall.h"
#include "libcommon/http/http_request.h"
#include "libcommon/http/http_setting_names.h"
#include "libcommon/http/proxy_environment.h"
#include "libcommon/os/host_addresses.h"

#include <curl/curl.h>

/* Part of the module http_client: one running exchange, and the state that all exchanges share. */

typedef struct http_client_exchange http_client_exchange;

typedef struct {
    CURLM *multi;
    char *user_agent;
    char *ca_file; /* NULL: none */
    bool pinned;   /* ca_file is the peer's own certificate */
    sh_http_client_names names;
    size_t bodies_max;
    size_t body_bytes;             /* allocated for all answers being received */
    http_client_exchange *growing; /* may exceed the limit of body_bytes; NULL: none */
    http_client_exchange *first;   /* list of all running exchanges */
} http_client_shared;

struct http_client_exchange {
    http_client_shared *shared;
    const sh_http_request *request;
    size_t index;
    CURL *easy;
    struct curl_slist *headers;
    sh_proxy proxy;
    sh_host_addresses addresses; /* that were tried */
    sh_http_answer answer;
    sh_error failure; /* set by a callback, which can only tell curl to abort */
    size_t header_bytes;
    bool paused; /* waits for memory */
    http_client_stall stall;
    unsigned sockets; /* opened for it */
    http_client_silence silence;
    uint64_t received, received_before; /* bytes: all, and when last checked */
    char detail[CURL_ERROR_SIZE];       /* curl's message */
    http_client_exchange *next, **link;
};

/* Starts an exchange and adds it to the list. SH_E_MEMORY, SH_E_CONFIG. */
sh_err http_client_exchange_start(http_client_shared *shared, const sh_http_request *request,
                                  size_t index, sh_error *error);
void http_client_exchange_free(http_client_exchange *e);

/*
 * Converts curl's code for a failed exchange to a sh_err with a message. A failure that a callback
 * found takes precedence.
 */
sh_err http_client_exchange_fail(const http_client_exchange *e, CURLcode code, sh_error *error);

/* Whether the exchange has moved, or received bytes, since the last call. */
bool http_client_exchange_moves(http_client_exchange *e, int64_t now_ms);

/*
 * Whether the peer was silent for longer than the request allows, not counting the time before
 * not_before_ms. If so, the failure is in *error, and the exchange must end.
 */
bool http_client_exchange_is_silent(const http_client_exchange *e, int64_t now_ms,
                                    int64_t not_before_ms, sh_error *error);

/* Sets certificate_end_s of the answer of a finished exchange, if the request wants it. */
void http_client_exchange_note_certificate(http_client_exchange *e);

#endif
