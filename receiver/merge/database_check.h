/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DATABASE_CHECK_H
#define RECEIVER_DATABASE_CHECK_H

#include "libcommon/queue/queue.h"
#include "receiver/store/store.h"

/*
 * Whether the queue is merged into the database that SYNC_db names. Each database has a random id,
 * which the first receiver publishes in Redis. Without this check, a hub whose SYNC_db was changed
 * while an older receiver still ran would have its devices in two databases, unnoticed.
 */
typedef struct {
    char own[SH_ID_HEX_BYTES];       /* of the database that is open; "": not read yet */
    char confirmed[SH_ID_HEX_BYTES]; /* the id with which this process merged; "": none yet */
} database_check;

/* For a database that is opened anew: its id is read again. */
void database_check_reset(database_check *d);

/*
 * Call it before entries are taken. SH_E_CONFIG if the queue belongs to another database. A Redis
 * that has lost its data gets the id again. A database that was replaced at the same SYNC_db while
 * this process used it takes over from the one before.
 */
sh_err database_check_look(database_check *d, store *s, sh_queue *queue, sh_error *error);

/* Makes this database the one into which the queue is merged. */
sh_err database_adopt(store *s, sh_queue *queue, sh_error *error);

#endif
