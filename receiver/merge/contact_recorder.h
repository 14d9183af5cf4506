/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONTACT_RECORDER_H
#define RECEIVER_CONTACT_RECORDER_H

#include "libcommon/queue/queue.h"
#include "receiver/store/store.h"

/*
 * Copies the times of nodes' last contacts from Redis to the database, so that a node with an
 * unchanged table does not count as silent there. Writes a node at most once a minute. Belongs to
 * one thread.
 */
typedef struct contact_recorder contact_recorder;

sh_err contact_recorder_new(contact_recorder **ret, sh_error *error); /* SH_E_MEMORY */
void contact_recorder_free(contact_recorder *r);                      /* NULL is accepted */

/* Discards the record of written contacts, as the database may be another one. */
void contact_recorder_clear(contact_recorder *r);

/*
 * Records due contacts of nodes in the database, a thousand per call, in its own transaction. The
 * errors of queue and store.
 */
sh_err contact_recorder_run(contact_recorder *r, store *s, sh_queue *queue, sh_error *error);

#endif
