/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEAD_LETTERS_H
#define RECEIVER_DEAD_LETTERS_H

#include "libcommon/queue/queue.h"
#include "receiver/queue/queue_batch.h"

/* Entries that could not be merged; dead_letter_add.h adds them. */

typedef struct {
    char id[QUEUE_ENTRY_ID_BYTES]; /* `ms-seq`; ms is the Unix time when it was added */
    sh_slice head; /* the envelope's first SH_ENVELOPE_HEAD_BYTES bytes, or less … */
    size_t bytes;  /* … and its length; slices are valid during the call only */
    sh_slice mode;
    sh_slice entry; /* its id in the stream */
    sh_slice reason;
} dead_letter;

/*
 * Calls each() for every dead letter, oldest first, and stops at its first error. Read-only;
 * transfers only the heads of the envelopes.
 */
typedef sh_err (*dead_letter_each)(void *context, const dead_letter *letter, sh_error *error);
sh_err dead_letters_list(sh_queue *queue, dead_letter_each each, void *context, sh_error *error);
/* The same for those behind this id. SH_E_FORMAT if it is none. */
sh_err dead_letters_list_after(sh_queue *queue, const char *id, dead_letter_each each,
                               void *context, sh_error *error);
/* The same for the dead letter with this id. SH_E_NOT_FOUND. */
sh_err dead_letters_get(sh_queue *queue, const char *id, dead_letter_each each, void *context,
                        sh_error *error);

#define DEAD_LETTERS_AT_ONCE 64

/* One of several that are changed together, in order, with one round trip and one fsync. */
typedef struct {
    const char *id;
    sh_err err; /* of this one, with its message in error */
    sh_error error;
} dead_letter_change;

/* At most DEAD_LETTERS_AT_ONCE; each as below. */
void dead_letters_retry_each(sh_queue *queue, dead_letter_change changes[], size_t count);
void dead_letters_drop_each(sh_queue *queue, dead_letter_change changes[], size_t count);

/* Moves one back into the queue atomically. SH_E_NOT_FOUND; SH_E_BUSY if the queue is full. */
sh_err dead_letters_retry(sh_queue *queue, const char *id, sh_error *error);
/* Deletes one for good. SH_E_NOT_FOUND. */
sh_err dead_letters_drop(sh_queue *queue, const char *id, sh_error *error);

#endif
