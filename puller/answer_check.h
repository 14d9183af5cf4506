/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_ANSWER_CHECK_H
#define PULLER_ANSWER_CHECK_H

#include "libcommon/base/error.h"
#include "libcommon/http/http_client.h"
#include "libcommon/native/envelope.h"
#include "puller/own_credentials.h"

/* Checks a node's answer to GET /sync. No I/O. */

/* What the answer is checked against. */
typedef struct {
    puller_credentials credentials;
    const char *name; /* the node's expected name; "": any */
    const char *etag; /* the value of If-None-Match, with its quotes; NULL: not sent */
} puller_expected;

/* A table that can be queued. */
typedef struct {
    sh_envelope_header header; /* node and digest are set; all fields if `envelope` is */
    sh_slice envelope;         /* sealed with the hub's key, borrowed; empty from a NetAlertX */
    sh_buf sealed;             /* owns `envelope` if the node has a key of its own */
    sh_buf text;               /* the table of a NetAlertX, to be sealed */
    sh_node_key key;           /* the hub's key for the node */
    size_t rows;
} puller_table;

void puller_table_reset(puller_table *table); /* wipes key and text; zeroed is accepted */

/*
 * SH_OK for 200, and for 304 with the requested ETag: *unchanged. Everything else is an error; its
 * message has the setting or thing to check, or says that something in front of the node answered,
 * and its code says whether a retry helps.
 */
sh_err puller_status_check(const sh_http_answer *answer, const puller_expected *expected,
                           bool *unchanged, sh_error *error);

/*
 * Reads the answer 200 of a Sync Hub pusher: opens the envelope and checks it according to
 * PROTOCOL.md, section 2, and that it is one complete device table of the expected node.
 * SH_E_FORMAT, SH_E_LIMIT, SH_E_CRYPTO, SH_E_REFUSED, SH_E_UNSUPPORTED, SH_E_MEMORY.
 */
sh_err puller_native_read(const sh_http_answer *answer, const puller_expected *expected,
                          puller_table *ret, sh_error *error);

/*
 * Reads the answer 200 of a NetAlertX. *cut: the table is half-written, as NetAlertX does not write
 * it atomically, and should be fetched again. SH_E_FORMAT, SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err puller_netalertx_read(const sh_http_answer *answer, const puller_expected *expected,
                             puller_table *ret, bool *cut, sh_error *error);

#endif
