/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_REQUEST_H
#define SH_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A request of the HTTP client. */
typedef struct {
    const char *method; /* "GET" or "POST" */
    const char *url;
    const char *token;          /* for `Authorization: Bearer`; NULL: none */
    const char *const *headers; /* `Name: value`, NULL-terminated; NULL: none */
    const void *body;           /* of POST; borrowed until the exchange ends */
    size_t body_len;
    bool wants_certificate; /* sets certificate_end_s of the answer */
    bool ask_first;     /* `Expect: 100-continue`: the peer may answer before the body is sent */
    size_t answer_max;  /* bytes of body; more is SH_E_LIMIT */
    int64_t timeout_ms; /* for the whole exchange */
    /*
     * For each step up to the first byte of the answer: connecting to one address, the TLS
     * handshake, and from then to the first byte; 0: no limit. Counted from the last progress of
     * any exchange of the call, unless requests wait for others to end.
     */
    int64_t silence_ms;
} sh_http_request;

#endif
