/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_thresholds.h"

#include "libcommon/base/text.h"
#include "receiver/store/store_backend.h"

#include <inttypes.h>
#include <stdio.h>

/* The keys and defaults that schema_presence_views.h has, too. */
static const struct {
    const char *key;
    int64_t default_s;
} thresholds[STORE_THRESHOLDS] = {
    [STORE_SILENT_AFTER] = {"silent_after_s", 900},
    [STORE_LATE_AFTER] = {"late_after_s", 60},
    [STORE_NEVER_AFTER] = {"never_after_s", 86400},
};

sh_err store_threshold_get(store *s, store_threshold which, int64_t *ret_s, sh_error *error)
{
    char value[STORE_META_BYTES];
    uint64_t seconds;
    *ret_s = thresholds[which].default_s;
    sh_err err = store_meta_get(s, thresholds[which].key, value, error);
    if (err == SH_OK && sh_text_to_u64(sh_slice_of(value), INT64_MAX / 1000, &seconds))
        *ret_s = (int64_t)seconds;
    return err;
}

sh_err store_thresholds_read(store *s, node_thresholds *ret, sh_error *error)
{
    int64_t seconds[STORE_THRESHOLDS];
    sh_err err = SH_OK;
    for (store_threshold which = 0; which < STORE_THRESHOLDS && err == SH_OK; which++)
        err = store_threshold_get(s, which, &seconds[which], error);
    if (err == SH_OK)
        *ret = (node_thresholds){.silent_ms = 1000 * seconds[STORE_SILENT_AFTER],
                                 .late_ms = 1000 * seconds[STORE_LATE_AFTER],
                                 .never_ms = 1000 * seconds[STORE_NEVER_AFTER]};
    return err;
}

sh_err store_threshold_put(store *s, store_threshold which, int64_t seconds, sh_error *error)
{
    char value[24];
    (void)snprintf(value, sizeof value, "%" PRId64, seconds);
    return s->ops->meta_write(s, thresholds[which].key, value, error);
}
