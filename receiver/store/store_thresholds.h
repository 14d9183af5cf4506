/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_THRESHOLDS_H
#define RECEIVER_STORE_THRESHOLDS_H

#include "receiver/store/node_lateness.h"
#include "receiver/store/store.h"

/*
 * The thresholds in use, in SyncHub_Meta in seconds, so that all programs and the views of presence
 * have the same. Whoever merges keeps them there (merge/threshold_settings.h).
 */
typedef enum {
    STORE_SILENT_AFTER,
    STORE_LATE_AFTER,
    STORE_NEVER_AFTER,
    STORE_THRESHOLDS
} store_threshold;

/* Reads one, in seconds; the default of a hub that has noted none yet. */
sh_err store_threshold_get(store *s, store_threshold which, int64_t *ret_s, sh_error *error);
/* Reads all. */
sh_err store_thresholds_read(store *s, node_thresholds *ret, sh_error *error);
/* Writes one, in a transaction. */
sh_err store_threshold_put(store *s, store_threshold which, int64_t seconds, sh_error *error);

#endif
