/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DATABASE_CHANGE_H
#define RECEIVER_DATABASE_CHANGE_H

#include "libcommon/config/settings.h"
#include "receiver/store/store.h"

/* An operator's change of the database, in a transaction that is open when it is called. */
typedef sh_err (*database_change)(void *context, store *s, sh_error *error);

/*
 * Opens the database of SYNC_db, which is created if it does not exist, calls change() in a
 * transaction, commits it if that returns SH_OK, and closes the database. While another transaction
 * is in the way, it tries again from the start: change() may be called several times.
 */
sh_err database_change_run(const sh_settings *settings, database_change change, void *context,
                           sh_error *error);

#endif
