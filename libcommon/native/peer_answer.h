/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PEER_ANSWER_H
#define SH_PEER_ANSWER_H

#include "libcommon/http/http_answer.h"
#include "libcommon/native/error_code.h"

#include <stdbool.h>

/*
 * Tells a hub's or node's own answers from those of whatever stands before it: a reverse proxy
 * with a limit of its own, a firewall, a network's login page, another server. Only the former say
 * anything about what was sent. Pure.
 */

#define SH_PEER_ERROR_WORDS_BYTES 200

/* What an error's body says. */
typedef struct {
    /* As Sync Hub and NetAlertX write it: `application/json` with the members "error" (text) and
       "success" (false). */
    bool is_own;
    /* The same without "success", which NetAlertX leaves out of its answers to GET. */
    bool is_likely_own;
    sh_error_code code; /* SH_CODE_NONE where it has none, or is not likely own */
    /* Its "message", else its "error", cut and printable; "" where it is not likely own. For
       people: a program decides by the code. */
    char words[SH_PEER_ERROR_WORDS_BYTES];
} sh_peer_error;

/* Reads an answer that is no success. Without memory it counts as somebody else's. */
void sh_peer_error_read(const sh_http_answer *answer, sh_peer_error *ret);

/* Who was asked, for the words below. */
typedef struct {
    const char *name;    /* "hub" or "node" */
    const char *setting; /* that holds its URL: "SYNC_hub_url" or "SYNC_nodes" */
} sh_peer;

#define SH_PEER_WORDS_BYTES 512

/*
 * Writes what came and where to look: `answered 413 with text/html by nginx/1.22.1, which is not
 * the hub's own answer: …`.
 */
void sh_peer_foreign_words(const sh_peer *peer, const sh_http_answer *answer,
                           char ret[static SH_PEER_WORDS_BYTES]);

#endif
