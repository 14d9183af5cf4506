/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONTACT_RECORDER_H
#define RECEIVER_CONTACT_RECORDER_H

#include "libcommon/queue/queue.h"
#include "receiver/store/store.h"

/*
 * Copies from Redis to the database what ingest and puller learn about nodes besides their data:
 * last contacts, so that a node with an unchanged table does not count as silent there, agents,
 * problems, conflicts of names, refused requests. Writes a node's contacts at most once a minute,
 * unless one ends a problem. Removes reports from Redis after the commit; killed in between, it
 * counts refused requests again. Belongs to one thread.
 */
typedef struct contact_recorder contact_recorder;

sh_err contact_recorder_new(contact_recorder **ret, sh_error *error); /* SH_E_MEMORY */
void contact_recorder_free(contact_recorder *r);                      /* NULL is accepted */

/*
 * Discards the record of written contacts, as the database may be another one, and ends the pass.
 */
void contact_recorder_clear(contact_recorder *r);

/*
 * Begins a pass over all contacts, unless one is under way (false), in as many runs as it takes:
 * each reads some thousands of them, or fewer if a thousand are due. A contact that changes
 * meanwhile may be left to the next pass. If the connection to Redis is another one, the pass
 * begins again.
 */
bool contact_recorder_begin(contact_recorder *r);

/* How many contacts the last whole pass has read; 0: there was none. */
int64_t contact_recorder_count(const contact_recorder *r);

/*
 * Records reports and the contacts of their nodes, and during a pass the next ones that are due, in
 * its own transaction; *more: call again, also after an error. The errors of queue and store.
 */
sh_err contact_recorder_run(contact_recorder *r, store *s, sh_queue *queue, bool *more,
                            sh_error *error);

#endif
