/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PEER_ANSWER_H
#define SH_PEER_ANSWER_H

#include "libcommon/http/http_answer.h"
#include "libcommon/native/error_code.h"

#include <stdbool.h>

/*
 * Distinguishes the answer of a hub or node from that of something in between: a reverse proxy with
 * its own limit, a firewall, a network's login page, another server. Only the former is about the
 * request. No I/O.
 */

#define SH_PEER_ERROR_MESSAGE_BYTES 200

/* The body of an error answer. */
typedef struct {
    /* The format of Sync Hub and NetAlertX: `application/json` with "error" (a string) and
       "success" (false). */
    bool is_own;
    /* The same without "success", which NetAlertX omits in answers to GET. */
    bool is_likely_own;
    sh_error_code code; /* SH_CODE_NONE if it has none or is probably not the peer's own */
    /*
     * Its "message", else its "error", truncated and printable; "" if it is probably not the peer's
     * own. For operators only: programs use the code.
     */
    char message[SH_PEER_ERROR_MESSAGE_BYTES];
} sh_peer_error;

/* Parses an error answer. If out of memory, treats it as an answer of something else. */
void sh_peer_error_read(const sh_http_answer *answer, sh_peer_error *ret);

/* The peer of a request, for messages. */
typedef struct {
    const char *name;    /* "hub" or "node" */
    const char *setting; /* the setting with its URL: "SYNC_hub_url" or "SYNC_nodes" */
} sh_peer;

#define SH_PEER_DESCRIPTION_BYTES 512

/*
 * Describes an answer that is not the peer's own, with a remedy: `answered 413 with text/html by
 * nginx/1.22.1, which is not the hub's own answer: …`.
 */
void sh_peer_describe_foreign(const sh_peer *peer, const sh_http_answer *answer,
                              char ret[static SH_PEER_DESCRIPTION_BYTES]);

#endif
