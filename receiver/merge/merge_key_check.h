/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_KEY_CHECK_H
#define RECEIVER_MERGE_KEY_CHECK_H

#include "libcommon/base/error.h"
#include "libcommon/native/envelope.h"
#include "libcommon/queue/queue.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/queue/queue_batch.h"
#include "receiver/store/store.h"

#include <stdbool.h>

/* The error message, for the log and GET /readyz. */
#define KEY_IS_ANOTHER                                                                             \
    "SYNC_encryption_key is not the one with which this hub's data was sealed: set that one "      \
    "here; "                                                                                       \
    "if the key was changed intentionally, see `synchub-receiver key adopt`"

/*
 * Whether this receiver has the hub's SYNC_encryption_key, by the check value that the first
 * receiver which opened an entry stored in database and Redis. A receiver with another key would
 * treat each entry as unreadable.
 */
typedef struct {
    const hub_secrets *keys;          /* borrowed */
    char own[SH_KEY_CHECK_HEX_BYTES]; /* this receiver's check value */
    bool confirmed;                   /* equal to the hub's */
} key_check;

void key_check_init(key_check *k, const hub_secrets *keys);

/*
 * Call it before taking entries. SH_E_CONFIG if the hub's key is another one. Publishes the check
 * value again if Redis has lost it.
 */
sh_err key_check_verify(key_check *k, store *s, sh_queue *queue, sh_error *error);

/*
 * While the hub's key is unknown: adopts this receiver's key if any of these entries, or of the
 * newest in the queue, was sealed with it. SH_E_CONFIG if none was.
 */
sh_err key_check_prove(key_check *k, store *s, sh_queue *queue, const queue_batch *batch,
                       sh_error *error);

/* Makes this key the hub's, at the operator's request. */
sh_err key_check_adopt(key_check *k, store *s, sh_queue *queue, sh_error *error);

#endif
