/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HUB_KEY_H
#define RECEIVER_HUB_KEY_H

#include "libcommon/queue/queue.h"

/* Which SYNC_encryption_key is the hub's; sh_queue_key_get() reads what was said. */

/* Says it, where it was not said before or is to be replaced. */
sh_err queue_key_set(sh_queue *queue, const char *value, bool replace, sh_error *error);

/*
 * Calls each() with the first SH_ENVELOPE_HEAD_BYTES of the newest entries' envelopes, or all of
 * them, and their lengths: at most count.
 */
typedef void (*queue_head_each)(void *context, sh_slice head, size_t bytes);
sh_err queue_newest_heads(sh_queue *queue, size_t count, queue_head_each each, void *context,
                          sh_error *error);

#endif
