/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_H
#define RECEIVER_MERGE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "receiver/hub/keys.h"

#include <stdbool.h>

/*
 * The loop that takes from the queue, merges into the database, commits, and acknowledges. It alone
 * owns the database.
 */
typedef struct merge merge;

/* Opens the database. SH_E_IO, SH_E_CONFIG and the others of store_open(). */
sh_err merge_new(const sh_settings *settings, const hub_keys *keys, merge **ret, sh_error *error);
void merge_free(merge *m); /* NULL is accepted */

/*
 * Runs until the program is asked to stop; while Redis or the database is away it waits and tries
 * again, and health says why. until_empty (--once): ends once the queue is empty, false where
 * something failed.
 */
bool merge_run(merge *m, bool until_empty);

#endif
