/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_PUSH_H
#define PUSHER_PUSH_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_client.h"
#include "libcommon/native/envelope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One exchange with the hub, in the protocol that SYNC_protocol names, and what came of it. */
typedef enum {
    PUSH_QUEUED,        /* the hub has it, durably */
    PUSH_DUPLICATE,     /* the hub had this item before */
    PUSH_UNCHANGED,     /* the hub has merged this very table; nothing was transferred */
    PUSH_LATER,         /* nobody's fault here: try again with the same id */
    PUSH_FOREIGN,       /* not the hub answered, but something before it: the same again later */
    PUSH_MISCONFIGURED, /* the same again after somebody has mended what the message names */
    PUSH_REFUSED,       /* this item will never be taken */
    PUSH_STOPPED,       /* given up because the program must stop */
    PUSH_VERDICTS
} push_verdict;

bool push_is_success(push_verdict verdict);
const char *push_verdict_name(push_verdict verdict); /* for log lines and metrics */

typedef struct {
    sh_kind kind;
    uint8_t id[SH_ID_BYTES];
    char plugin[SH_PLUGIN_NAME_MAX + 1]; /* "" for the device table */
    uint8_t digest[SH_DIGEST_BYTES];
    uint32_t part, parts;  /* 0 of 1, unless the table was cut */
    bool ask;              /* send the digest, so that the hub may say "unchanged" */
    const char *file_path; /* told to a NetAlertX hub for its log; NULL for none */
    sh_buf *text;          /* emptied and freed as soon as it is sealed, to save memory */
} push_item;

typedef struct {
    push_verdict verdict;
    int64_t retry_after_s; /* what the hub asked for, -1 for nothing */
    size_t sent_bytes;     /* of the body */
    int64_t duration_ms;
} push_result;

typedef struct push push;

/*
 * settings and key must outlive it. stop_fd as in sh_http_client_options. One thread.
 * SH_E_MEMORY, SH_E_CONFIG.
 */
sh_err push_new(const sh_settings *settings, const sh_node_key *key, int stop_fd, push **ret,
                sh_error *error);
void push_free(push *p); /* NULL is accepted */

/*
 * Seals the item and makes the exchange. Unless the verdict is a success, *error says why, and
 * what to mend where somebody must.
 */
push_result push_send(push *p, const push_item *item, sh_error *error);

/* What an answer is judged by. */
typedef struct {
    sh_protocol protocol;
    const sh_http_answer *answer;
    const char *url;   /* the hub's, for the message */
    const uint8_t *id; /* SH_ID_BYTES of the item, which a success names */
    bool asked;        /* the digest was sent */
} push_question;

/*
 * What an answer means. Only the hub's own words count as success, and only they give an item up:
 * everything else comes from something before the hub. Pure.
 */
push_verdict push_judge(const push_question *question, sh_error *error);

#endif
