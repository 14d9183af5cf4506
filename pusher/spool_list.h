/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SPOOL_LIST_H
#define PUSHER_SPOOL_LIST_H

#include "pusher/spool_item.h"

/*
 * The spool as `synchub-pusher spool` sees and changes it, beside a pusher that runs: each step is
 * one rename or one removal of a file, which the pusher takes notice of by spool_rescan().
 */

typedef enum {
    SPOOL_WAITING, /* for the hub */
    SPOOL_REFUSED, /* by the hub, for good */
    SPOOL_DAMAGED, /* not what was written; it cannot be sent */
} spool_state;

typedef struct {
    spool_item item;           /* name is set; id, time and plugin where it is not damaged */
    char id[SPOOL_NAME_BYTES]; /* what names it for people: the item's id in hex */
    spool_state state;
    bool in_refused; /* in SYNC_spool_dir/refused: all but SPOOL_WAITING, and what is damaged */
    size_t bytes;
    int64_t refused_ms; /* Unix time; 0 where not refused, or not known */
    char reason[SH_SPOOL_REASON_MAX];
} spool_entry;

typedef struct {
    spool_entry *entries; /* what waits, oldest first, then what was refused */
    size_t count;
} spool_entries;

/* SH_E_IO names the folder; SH_E_MEMORY. A spool that was never used is empty. */
sh_err spool_list(const char *dir, spool_entries *ret, sh_error *error);
void spool_entries_free(spool_entries *entries); /* zeroed is accepted */

/* The entry of that id, or NULL. */
const spool_entry *spool_entries_find(const spool_entries *entries, const char *id);

/*
 * Puts a refused item back, under the same id. SH_E_CONFIG: it is not refused, or damaged;
 * SH_E_LIMIT: the spool is full; SH_E_NOT_FOUND: it is gone; SH_E_IO, SH_E_MEMORY.
 */
sh_err spool_entry_retry(const char *dir, const spool_entries *all, const spool_entry *entry,
                         sh_error *error);

/* Deletes an item for good, a waiting one too. SH_E_IO. */
sh_err spool_entry_drop(const char *dir, const spool_entry *entry, sh_error *error);

#endif
