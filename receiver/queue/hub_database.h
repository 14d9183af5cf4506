/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HUB_DATABASE_H
#define RECEIVER_HUB_DATABASE_H

#include "libcommon/crypto/crypto.h"
#include "libcommon/queue/queue.h"

/* The published id of the database into which the queue is merged: 16 bytes in hex. */

/* "" if none was published. */
sh_err queue_database_get(sh_queue *queue, char ret[static SH_ID_HEX_BYTES], sh_error *error);

/* Publishes id unless another one was published before; replace overwrites that one. */
sh_err queue_database_set(sh_queue *queue, const char *id, bool replace, sh_error *error);

#endif
