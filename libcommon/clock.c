/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    assert(failed == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sh_clock_unix_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t sh_clock_monotonic_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

void sh_clock_datetime(int64_t unix_ms, char ret[static SH_DATETIME_BYTES])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL || local.tm_year > 8099 || local.tm_year < 0) {
        (void)snprintf(ret, SH_DATETIME_BYTES, "1970-01-01 00:00:00");
        return;
    }
    size_t len = strftime(ret, SH_DATETIME_BYTES, "%Y-%m-%d %H:%M:%S", &local);
    assert(len == SH_DATETIME_BYTES - 1);
}
