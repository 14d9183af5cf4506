/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_RECORD_H
#define RECEIVER_CONSOLE_RECORD_H

#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "receiver/store/store_state.h"

#include <stdbool.h>

/*
 * What the database holds for access to the console: in SyncHub_Console the password and the API
 * tokens, in SyncHub_Sessions, which no backup contains, sessions and one-time codes. Secrets are
 * stored as hashes only. Both are lists of store_state.h.
 */

/* The hash under which a random secret is stored, as hex. */
void console_secret_hash(sh_slice secret, char ret[static SH_DIGEST_HEX_BYTES]);

/* Reads the whole list in a transaction that the caller began. */
typedef sh_err (*console_change)(void *context, store *s, sh_error *error);

/*
 * Opens the database, which must exist, and changes a list in a transaction; tries again while
 * another one is in the way. The errors of the store; SH_E_BUSY without a database.
 */
sh_err console_record_change(const sh_settings *settings, store_state list, console_change change,
                             void *context, sh_error *error);

/* Opens the database to read. SH_E_BUSY: there is none yet. */
sh_err console_record_open(const sh_settings *settings, store **ret, sh_error *error);

/* Appends the value of a key to *ret; *found is false if there is none. */
sh_err console_record_get(store *s, store_state list, const char *key, sh_buf *ret, bool *found);

#endif
