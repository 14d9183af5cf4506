/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_ANSWER_H
#define PULLER_ANSWER_H

#include "libcommon/base/error.h"
#include "libcommon/http/http_client.h"
#include "libcommon/native/envelope.h"
#include "puller/own_credentials.h"

/* Judges what a node answered to GET /sync. No I/O. */

/* What it is judged by. */
typedef struct {
    puller_credentials credentials;
    const char *name; /* which node it must be; "" for any */
    const char *etag; /* what If-None-Match named, with its quotes; NULL: it was not sent */
    int64_t now_ms;   /* Unix time */
} puller_expected;

/* A table that is good to be queued. */
typedef struct {
    sh_envelope_header header; /* node and digest are set; all of it where `envelope` is */
    sh_slice envelope; /* sealed with the hub's key, borrowed from the answer or below; empty from a
                          NetAlertX */
    sh_buf sealed;     /* the same, where the node has a key of its own */
    sh_buf text;       /* the table of a NetAlertX, to be sealed */
    sh_node_key key;   /* the hub's key for the node */
    size_t rows;
} puller_table;

void puller_table_reset(puller_table *table); /* wipes key and text; zeroed is accepted */

/*
 * SH_OK for 200, and for 304 to the very ETag that was asked for: *unchanged. Everything else is an
 * error whose words name the setting or thing to look at, or that something before the node
 * answered, and whose code says whether trying again helps.
 */
sh_err puller_status_check(const sh_http_answer *answer, const puller_expected *expected,
                           bool *unchanged, sh_error *error);

/*
 * Reads the answer 200 of a Sync Hub pusher: opens the envelope and checks it as PROTOCOL.md
 * section 2 says, and that it is one whole device table of the node that was asked. SH_E_FORMAT,
 * SH_E_LIMIT, SH_E_CRYPTO, SH_E_REFUSED, SH_E_UNSUPPORTED, SH_E_MEMORY.
 */
sh_err puller_native_read(const sh_http_answer *answer, const puller_expected *expected,
                          puller_table *ret, sh_error *error);

/*
 * Reads the answer 200 of a NetAlertX. *cut tells that the table was caught half-written (NetAlertX
 * does not write it atomically), so that it should be fetched again. SH_E_FORMAT, SH_E_LIMIT,
 * SH_E_MEMORY.
 */
sh_err puller_netalertx_read(const sh_http_answer *answer, const puller_expected *expected,
                             puller_table *ret, bool *cut, sh_error *error);

#endif
