/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_STATE_H
#define RECEIVER_STORE_STATE_H

#include "libcommon/base/buffer.h"
#include "receiver/store/store.h"

/*
 * Lists of the hub's state, of which the database is the state of record. Each has a random version
 * in SyncHub_Meta that changes with every change of the list. A database that never held a list has
 * the version "". Errors as in store.h.
 */
typedef enum {
    STORE_CREDENTIALS, /* node → its record (libcommon/native/credentials.h) */
    STORE_BLOCKLIST,   /* key of a device → note */
    STORE_CONSOLE,     /* the console's password and tokens, see receiver/console */
    STORE_SESSIONS,    /* its sessions and one-time codes; in no backup */
    STORE_SETTINGS,    /* settings made on the hub, by name, in their normal form */
    STORE_STATES
} store_state;

#define STORE_VERSION_BYTES 33 /* 32 hex digits, with the final NUL */

typedef struct {
    sh_slice key, value;
    int64_t changed_ms; /* Unix time */
} store_state_entry;

/* Reads the version of a list. */
sh_err store_state_version(store *s, store_state list, char ret[static STORE_VERSION_BYTES],
                           sh_error *error);

typedef sh_err (*store_state_each)(void *context, const store_state_entry *entry, sh_error *error);
typedef struct {
    store_state_each each; /* called for each entry, in no order */
    void *context;
} store_state_reader;

/* Reads a list and the version that belongs to it. Call it outside a transaction. */
sh_err store_state_read(store *s, store_state list, const store_state_reader *reader,
                        char version[static STORE_VERSION_BYTES], sh_error *error);

/*
 * Begins a transaction for changes of a list, and waits for other changes of it. In it, only the
 * functions below may be used, store_node_info_get(), store_node_info_put() and store_rollback().
 * *version is the version so far.
 */
sh_err store_state_begin(store *s, store_state list, char version[static STORE_VERSION_BYTES],
                         sh_error *error);
/*
 * In a transaction that store_begin() began: keeps the list from changing until it ends, and reads
 * its version. store_state_entries() may follow.
 */
sh_err store_state_hold(store *s, store_state list, char version[static STORE_VERSION_BYTES],
                        sh_error *error);
/* Appends the value of an entry to *ret. SH_E_NOT_FOUND if there is none. */
sh_err store_state_get(store *s, store_state list, const char *key, sh_buf *ret, sh_error *error);
sh_err store_state_count(store *s, store_state list, int64_t *ret, sh_error *error);
/* Passes all entries, as store_state_read(). */
sh_err store_state_entries(store *s, store_state list, const store_state_reader *reader,
                           sh_error *error);
/* Inserts or replaces an entry. */
sh_err store_state_put(store *s, store_state list, const store_state_entry *entry, sh_error *error);
/* SH_E_NOT_FOUND if there is none. */
sh_err store_state_delete(store *s, store_state list, const char *key, sh_error *error);
/* Deletes the digests of all nodes, so that their tables are merged again. */
sh_err store_state_forget_digests(store *s, sh_error *error);
/*
 * In a transaction for changes of another list: gives this one a new version, too, after waiting
 * for other changes of it.
 */
sh_err store_state_touch(store *s, store_state list, sh_error *error);
/* Gives the list a new version and commits. After an error call store_rollback(). */
sh_err store_state_commit(store *s, store_state list, sh_error *error);

/* --- For backends: statements for both, whose parameters are used in their order */

typedef struct {
    const char *meta_key; /* of the version */
    const char *read, *get, *count, *put, *remove;
} store_state_sql;

extern const store_state_sql store_state_statements[STORE_STATES];

#endif
