/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SETTINGS_PUBLICATION_H
#define RECEIVER_SETTINGS_PUBLICATION_H

#include "libcommon/queue/queue.h"
#include "receiver/store/store_state.h"

/*
 * The settings made on the hub, from the database to Redis, as credentials_publication.h does with
 * credentials: whenever the version in Redis is missing or differs, the database's replace it.
 */

typedef struct {
    bool checked;                      /* checked_ms is set */
    int64_t checked_ms;                /* monotonic */
    char version[STORE_VERSION_BYTES]; /* of the database's settings, when they were checked */
} settings_publication;

/* Publishes the settings if Redis differs. Checks at most every SH_PUBLICATION_CHECK_MS. */
sh_err settings_publication_update(settings_publication *p, store *s, sh_queue *queue,
                                   sh_error *error);

/*
 * Publishes the settings now. When it returns SH_OK, Redis has those of the database as they were
 * when this call began, or later ones.
 */
sh_err settings_publish(store *s, sh_queue *queue, sh_error *error);

#endif
