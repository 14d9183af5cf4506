/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEAD_LETTERS_H
#define RECEIVER_DEAD_LETTERS_H

#include "libcommon/queue/queue.h"
#include "receiver/queue/queue_batch.h"

/* Entries that could not be merged; queue_bury() adds them. */

typedef struct {
    char id[QUEUE_ENTRY_ID_BYTES]; /* of the dead letter; its first part is when, Unix time in ms */
    sh_slice head; /* the first SH_ENVELOPE_HEAD_BYTES of its envelope, or all of it … */
    size_t bytes;  /* … which has so many; borrowed during the call, as all below */
    sh_slice mode;
    sh_slice entry; /* the id it had in the stream */
    sh_slice reason;
} dead_letter;

/*
 * Calls each() for every dead letter, oldest first. Writes nothing, and transfers no more of the
 * envelopes than their heads.
 */
typedef sh_err (*dead_letter_each)(void *context, const dead_letter *letter, sh_error *error);
sh_err dead_letters_list(sh_queue *queue, dead_letter_each each, void *context, sh_error *error);
/* The same for one. SH_E_NOT_FOUND where no dead letter has this id. */
sh_err dead_letters_get(sh_queue *queue, const char *id, dead_letter_each each, void *context,
                        sh_error *error);
/* Puts one back into the queue, in one step. SH_E_NOT_FOUND; SH_E_BUSY where the queue is full. */
sh_err dead_letters_retry(sh_queue *queue, const char *id, sh_error *error);
/* Deletes one for good. SH_E_NOT_FOUND. */
sh_err dead_letters_drop(sh_queue *queue, const char *id, sh_error *error);

#endif
