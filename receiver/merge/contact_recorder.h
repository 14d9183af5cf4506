/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONTACT_RECORDER_H
#define RECEIVER_CONTACT_RECORDER_H

#include "libcommon/queue/queue.h"
#include "receiver/store/store.h"

/*
 * Copies the times of nodes' last contacts from Redis to the database, so that a node that answers
 * "unchanged" is not silent there. Writes a node at most once a minute. For one thread.
 */
typedef struct contact_recorder contact_recorder;

sh_err contact_recorder_new(contact_recorder **ret, sh_error *error); /* SH_E_MEMORY */
void contact_recorder_free(contact_recorder *r);                      /* NULL is accepted */

/* Forgets what was written: the database may be another one. */
void contact_recorder_clear(contact_recorder *r);

/*
 * Records what is due of the nodes that the database knows, a thousand at a time, in a transaction
 * of its own. The errors of queue and store.
 */
sh_err contact_recorder_run(contact_recorder *r, store *s, sh_queue *queue, sh_error *error);

#endif
