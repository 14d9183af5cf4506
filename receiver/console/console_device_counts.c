/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_device_counts.h"

#include "libcommon/base/clock.h"
#include "receiver/console/console_record.h"

#include <pthread.h>
#include <stdlib.h>

#define DAY_MS (86400 * INT64_C(1000))
#define VALID_TIMES 10 /* as long as counting took */

struct console_device_counts {
    pthread_mutex_t lock;
    store_device_counts counts;
    int64_t valid_until_ms; /* monotonic */
};

sh_err console_device_counts_new(console_device_counts **ret, sh_error *error)
{
    console_device_counts *counts = calloc(1, sizeof *counts);
    if (counts == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the console");
    (void)pthread_mutex_init(&counts->lock, NULL);
    *ret = counts;
    return SH_OK;
}

void console_device_counts_free(console_device_counts *counts)
{
    if (counts == NULL)
        return;
    (void)pthread_mutex_destroy(&counts->lock);
    free(counts);
}

static sh_err count(const sh_settings *settings, store_device_counts *ret, sh_error *error)
{
    int64_t now_ms = sh_clock_unix_ms();
    const int64_t since_ms[] = {now_ms - 7 * DAY_MS, now_ms - DAY_MS};
    store *s = NULL;
    sh_err err = console_record_open(settings, &s, error);
    if (err == SH_OK)
        err = store_count_devices(s, since_ms, ret, error);
    store_close(s);
    return err;
}

sh_err console_device_counts_read(console_device_counts *counts, const sh_settings *settings,
                                  store_device_counts *ret, sh_error *error)
{
    sh_err err = SH_OK;
    (void)pthread_mutex_lock(&counts->lock); /* others wait for this count, and do not count, too */
    int64_t begin_ms = sh_clock_monotonic_ms();
    if (begin_ms >= counts->valid_until_ms) {
        err = count(settings, &counts->counts, error);
        int64_t end_ms = sh_clock_monotonic_ms();
        counts->valid_until_ms = err == SH_OK ? end_ms + VALID_TIMES * (end_ms - begin_ms) : 0;
    }
    *ret = counts->counts;
    (void)pthread_mutex_unlock(&counts->lock);
    return err;
}
