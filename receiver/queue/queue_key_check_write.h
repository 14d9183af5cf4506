/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_KEY_CHECK_WRITE_H
#define RECEIVER_QUEUE_KEY_CHECK_WRITE_H

#include "libcommon/queue/queue.h"

/* The published check value of the hub's SYNC_encryption_key; sh_queue_key_get() reads it. */

/* Publishes value unless another one was published before; replace overwrites that one. */
sh_err queue_key_set(sh_queue *queue, const char *value, bool replace, sh_error *error);

/*
 * Calls each() for at most count of the newest entries, with the first SH_ENVELOPE_HEAD_BYTES of
 * the envelope (all of a shorter one) and the envelope's length.
 */
typedef void (*queue_head_each)(void *context, sh_slice head, size_t bytes);
sh_err queue_newest_heads(sh_queue *queue, size_t count, queue_head_each each, void *context,
                          sh_error *error);

#endif
