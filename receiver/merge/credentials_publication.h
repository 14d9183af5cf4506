/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CREDENTIALS_PUBLICATION_H
#define RECEIVER_CREDENTIALS_PUBLICATION_H

#include "libcommon/queue/queue.h"
#include "receiver/store/store_state.h"

/*
 * The nodes' credentials, from the database to Redis. Redis is a copy that may be lost, or be older
 * after a failover: whenever its version is missing or differs, the database's list replaces it.
 * So does a restored database, which has the version of its backup.
 */

typedef struct {
    bool checked;                      /* checked_ms is set */
    int64_t checked_ms;                /* monotonic */
    char version[STORE_VERSION_BYTES]; /* of the list that count belongs to */
    int64_t count;
} credentials_publication;

/* For another database: reads everything again. */
void credentials_publication_reset(credentials_publication *p);

/* Publishes the credentials if Redis differs. Checks at most every SH_PUBLICATION_CHECK_MS. */
sh_err credentials_publication_update(credentials_publication *p, store *s, sh_queue *queue,
                                      sh_error *error);

/*
 * Publishes the credentials now. When it returns SH_OK, Redis has the list of the database as it
 * was when this call began, or a later one. *count: the number of records.
 */
sh_err credentials_publish(store *s, sh_queue *queue, int64_t *count, sh_error *error);

/*
 * Copies the credentials from Redis into a database that never held any: those of a hub that was
 * made when Redis was their state of record. *taken: how many, 0 if there was nothing to do.
 */
sh_err credentials_take_over(store *s, sh_queue *queue, size_t *taken, sh_error *error);

/* Whether Redis has the credentials of the database; *count: how many nodes have any. */
sh_err credentials_are_published(store *s, sh_queue *queue, bool *ret, int64_t *count,
                                 sh_error *error);

#endif
