/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BLOCKLIST_H
#define RECEIVER_BLOCKLIST_H

#include "receiver/merge/skip_macs_setting.h"
#include "receiver/merge/skip_rules.h"
#include "receiver/store/store_state.h"

/*
 * The devices that merge never inserts: those of SYNC_skip_macs, which may be made on the hub, and
 * the blocklist in the database. Both change while receivers run.
 */
typedef struct {
    const sh_settings *settings; /* borrowed */
    const sh_list *setting;      /* SYNC_skip_macs: that of the settings, or … */
    sh_list made;                /* … that made on the hub */
    sh_list blocked;             /* as of version */
    char version[STORE_VERSION_BYTES];
    bool is_loaded;
    skip_rules *skipped; /* both lists */
    int64_t checked_ms;  /* monotonic; 0: never */
} blocklist;

/* Without what the database has. SH_E_MEMORY. Release with blocklist_reset() in every case. */
sh_err blocklist_init(blocklist *b, const sh_settings *settings, sh_error *error);
void blocklist_reset(blocklist *b);
/* For another database: its list is read again. */
void blocklist_forget(blocklist *b);

/*
 * Inside a transaction: reads the list if it has changed, and keeps it from changing until the
 * transaction ends. *readmits: a device is no longer on it, so that tables must be merged again;
 * otherwise unchanged.
 */
sh_err blocklist_hold(blocklist *b, store *s, bool *readmits, sh_error *error);

/*
 * The same without reading: *ret is false if the list has changed. Several transactions may ask at
 * the same time.
 */
sh_err blocklist_is_current(const blocklist *b, store *s, bool *ret, sh_error *error);

/* Outside a transaction: reads the list if it has changed, at most every half second. */
sh_err blocklist_refresh(blocklist *b, store *s, bool *readmits, sh_error *error);

#endif
