/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_KEY_CHECK_H
#define RECEIVER_KEY_CHECK_H

#include "libcommon/base/error.h"
#include "libcommon/native/envelope.h"
#include "libcommon/queue/queue.h"
#include "receiver/hub/keys.h"
#include "receiver/queue/queue_batch.h"
#include "receiver/store/store.h"

#include <stdbool.h>

/* What is wrong, for the log and GET /readyz. */
#define KEY_IS_ANOTHER                                                                             \
    "SYNC_encryption_key is not the one that this hub's data was sealed with: set that one here; " \
    "where the key was changed on purpose, see `synchub-receiver key adopt`"

/*
 * Whether this receiver has the SYNC_encryption_key that is the hub's: by its check value, which
 * the first receiver that opened an entry has left in database and Redis. One with another key
 * would take each entry for one that nobody can open.
 */
typedef struct {
    const hub_keys *keys;             /* borrowed */
    char own[SH_KEY_CHECK_HEX_BYTES]; /* this receiver's check value */
    bool confirmed;                   /* the hub's is the same */
} key_check;

void key_check_init(key_check *k, const hub_keys *keys);

/*
 * To be asked before entries are taken. SH_E_CONFIG where the hub's key is another one. A Redis
 * that has lost its data is told again.
 */
sh_err key_check_look(key_check *k, store *s, sh_queue *queue, sh_error *error);

/*
 * While nobody has said which key is the hub's: this receiver's is, where any of these entries, or
 * of the newest in the queue, was sealed with it. SH_E_CONFIG where none was.
 */
sh_err key_check_prove(key_check *k, store *s, sh_queue *queue, const queue_batch *batch,
                       sh_error *error);

/* Makes this key the hub's, on purpose. */
sh_err key_check_adopt(key_check *k, store *s, sh_queue *queue, sh_error *error);

#endif
