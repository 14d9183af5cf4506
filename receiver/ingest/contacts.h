/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONTACTS_H
#define RECEIVER_CONTACTS_H

#include "libcommon/base/error.h"
#include "libcommon/queue/queue.h"

/*
 * Notes when nodes were in contact without a write to Redis, and so to its disk, for each: an
 * unchanged table costs a look-up. A thread writes what was noted once a second. What a crash loses
 * of it is a second of a display. Once a minute it also forgets nodes that were silent for
 * SH_NAMES_IDLE_S, where nearly as many are known as may be.
 */
typedef struct contacts contacts;

/* SH_E_MEMORY, also where the system gives no thread; SH_E_CONFIG for a bad URL. */
sh_err contacts_new(const sh_queue_options *options, contacts **ret, sh_error *error);
/* Writes what is noted, ends the thread. NULL is accepted. */
void contacts_free(contacts *c);

/* A push of node, now. Thread-safe. Where more nodes come than a second's room holds, the last are
 * not noted. */
void contacts_note(contacts *c, const char *node);

#endif
