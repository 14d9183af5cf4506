/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HUB_CONNECTIONS_H
#define RECEIVER_HUB_CONNECTIONS_H

#include "libcommon/config/settings.h"
#include "libcommon/queue/queue.h"
#include "receiver/store/store.h"

/* What subcommands that change the hub's state work on: its database, and Redis. */
typedef struct {
    store *store;
    sh_queue *queue;
    bool
        is_published; /* Redis names this database as the hub's, so changes are published at once */
} hub_connections;

/*
 * SH_E_CONFIG if this host's role is ingest: it would make a database of its own, which knows
 * nothing.
 */
sh_err hub_connections_check_role(const sh_settings *settings, sh_error *error);

/*
 * Opens both for changes. SH_E_CONFIG if this host is not where the hub's database is: it has the
 * role ingest, or Redis names another database. Credentials that only Redis has are taken over
 * first. Release with hub_connections_close() in every case.
 */
sh_err hub_connections_open(const sh_settings *settings, hub_connections *ret, sh_error *error);
/* Opens the database for reading, and Redis. */
sh_err hub_connections_open_to_read(const sh_settings *settings, hub_connections *ret,
                                    sh_error *error);
void hub_connections_close(hub_connections *hub);

/*
 * Publishes changed credentials. On failure the message says that the change is stored. If the hub
 * has not run yet there is nothing to do: it publishes them when it starts.
 */
sh_err hub_connections_publish_credentials(const hub_connections *hub, sh_error *error);

#endif
