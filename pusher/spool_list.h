/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SPOOL_LIST_H
#define PUSHER_SPOOL_LIST_H

#include "pusher/spool_item.h"

/*
 * The spool for `synchub-pusher spool`, beside a running pusher: each change is one rename or
 * removal of a file, which the pusher notices in spool_rescan().
 */

typedef enum {
    SPOOL_WAITING, /* for the hub */
    SPOOL_REFUSED, /* by the hub, for good */
    SPOOL_DAMAGED, /* cannot be sent */
} spool_state;

typedef struct {
    spool_item item;           /* name is set; id, time and plugin unless it is damaged */
    char id[SPOOL_NAME_BYTES]; /* for users: the item's id in hex */
    spool_state state;
    bool in_refused; /* in SYNC_spool_dir/refused; a damaged one may be in either */
    size_t bytes;
    int64_t refused_ms; /* Unix time; 0 if not refused or unknown */
    char reason[SH_SPOOL_REASON_MAX];
} spool_entry;

typedef struct {
    spool_entry *entries; /* waiting ones, oldest first, then refused ones */
    size_t count;
} spool_entries;

/*
 * Lists both folders; a spool that was never used is empty. SH_E_IO, with the folder; SH_E_MEMORY.
 */
sh_err spool_list(const char *dir, spool_entries *ret, sh_error *error);
void spool_entries_free(spool_entries *entries); /* zeroed is accepted */

/* The entry with this id, or NULL. */
const spool_entry *spool_entries_find(const spool_entries *entries, const char *id);

/*
 * Moves a refused item back, with the same id. SH_E_CONFIG: it is not refused, or damaged;
 * SH_E_LIMIT: the spool is full; SH_E_NOT_FOUND: it was deleted; SH_E_IO, SH_E_MEMORY.
 */
sh_err spool_entry_retry(const char *dir, const spool_entries *all, const spool_entry *entry,
                         sh_error *error);

/* Deletes an item, also a waiting one. SH_E_IO. */
sh_err spool_entry_drop(const char *dir, const spool_entry *entry, sh_error *error);

#endif
