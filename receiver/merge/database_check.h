/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DATABASE_CHECK_H
#define RECEIVER_DATABASE_CHECK_H

#include "libcommon/queue/queue.h"
#include "receiver/store/store.h"

/*
 * Whether the queue belongs to the database of SYNC_db. Each database has a random id, which the
 * first receiver publishes in Redis. Without this check, changing SYNC_db while an older receiver
 * still runs would silently distribute the devices over two databases.
 */
typedef struct {
    char own[SH_ID_HEX_BYTES];       /* id of the open database; "": not read yet */
    char confirmed[SH_ID_HEX_BYTES]; /* the id with which this process merged; "": none yet */
} database_check;

/* Call it after opening a database: its id is read again. */
void database_check_reset(database_check *d);

/*
 * Call it before taking entries. SH_E_CONFIG if the queue belongs to another database; SH_E_IO if
 * the open one has got another id since, and must be opened again. Publishes the id again if Redis
 * has lost it, and the new id if the database at SYNC_db was replaced while this process used it.
 */
sh_err database_check_verify(database_check *d, store *s, sh_queue *queue, sh_error *error);

/* The id of the database, which the first call creates. */
sh_err database_id_read(store *s, char ret[static SH_ID_HEX_BYTES], sh_error *error);

/* Assigns the queue to this database. */
sh_err database_adopt(store *s, sh_queue *queue, sh_error *error);

#endif
