/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_PUSH_H
#define PUSHER_PUSH_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_client.h"
#include "libcommon/native/envelope.h"
#include "pusher/heartbeat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One exchange with the hub in the protocol of SYNC_protocol, and its result. */
typedef enum {
    PUSH_QUEUED,        /* durable in the hub's queue */
    PUSH_DUPLICATE,     /* the hub had this item before */
    PUSH_UNCHANGED,     /* the hub has merged this table already; it was not transferred */
    PUSH_LATER,         /* temporary failure: try again with the same id */
    PUSH_FOREIGN,       /* something in front of the hub answered: try again with the same id */
    PUSH_MISCONFIGURED, /* try again with the same id after an operator fixed the cause */
    PUSH_REFUSED,       /* the hub will never accept this item */
    PUSH_STOPPED,       /* aborted because the program must stop */
    PUSH_VERDICTS
} push_verdict;

#define PUSH_NOTICE_BYTES 256

bool push_is_success(push_verdict verdict);
const char *push_verdict_name(push_verdict verdict); /* for log lines and metrics */

typedef struct {
    sh_kind kind;
    uint8_t id[SH_ID_BYTES];
    char plugin[SH_PLUGIN_NAME_MAX + 1]; /* "" for the device table */
    uint8_t digest[SH_DIGEST_BYTES];
    uint32_t part, parts;  /* 0 of 1 unless the table was split */
    bool ask;              /* send the digest first, as the hub may answer "unchanged" */
    const char *subject;   /* names the item in the log, such as `plugin ARPSCAN` */
    const char *file_path; /* for a NetAlertX hub's log; NULL: none */
    sh_buf *text;          /* freed as soon as it is sealed, to save memory */
} push_item;

typedef struct {
    push_verdict verdict;
    int64_t retry_after_s; /* the hub's Retry-After, -1 if none */
    size_t sent_bytes;     /* of the body */
    int64_t duration_ms;
    char notice[PUSH_NOTICE_BYTES]; /* what the hub says about this node beside success; "": nothing
                                     */
} push_result;

typedef struct push push;

/*
 * Borrows settings and key. stop_fd as in sh_http_client_options. Belongs to one thread.
 * SH_E_MEMORY, SH_E_CONFIG.
 */
sh_err push_new(const sh_settings *settings, const sh_node_key *key, int stop_fd, push **ret,
                sh_error *error);
void push_free(push *p); /* NULL is accepted */

/*
 * Adds reports about this node to each request; borrows the heartbeat, and records in it what was
 * reported.
 */
void push_set_heartbeat(push *p, heartbeat *c);
/* How many exchanges were attempted. */
size_t push_exchanges(const push *p);

/*
 * Seals the item and performs the exchange. Unless the verdict is a success, *error says why, and
 * what an operator must fix, if anything.
 */
push_result push_send(push *p, const push_item *item, sh_error *error);

/*
 * A request without an item, for the hub to know that the node is there and what it reports.
 * PUSH_UNCHANGED is the success; PUSH_REFUSED: the hub is too old to know such requests.
 */
push_result push_heartbeat(push *p, sh_error *error);

/* An answer and what is needed to classify it. */
typedef struct {
    sh_protocol protocol;
    const sh_http_answer *answer;
    const char *url;   /* the hub's URL, for messages */
    const uint8_t *id; /* SH_ID_BYTES; the item's id, which a success repeats */
    bool asked;        /* the digest was sent */
    bool is_heartbeat; /* nothing else was sent */
} push_question;

/*
 * Classifies an answer. Only an answer of the hub itself counts as success or as a permanent
 * refusal; everything else comes from something in front of the hub. Pure.
 */
push_verdict push_classify(const push_question *question, sh_error *error);

/* Reads the member `notice` of the hub's answer to a success in the native protocol; or "". */
void push_notice_read(const sh_http_answer *answer, char ret[static PUSH_NOTICE_BYTES]);

#endif
