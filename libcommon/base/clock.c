/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    assert(failed == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t sh_clock_unix_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t sh_clock_monotonic_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t sh_clock_unix_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t sh_clock_file_ns(void)
{
    return read_ns(CLOCK_REALTIME_COARSE);
}

int64_t sh_clock_file_tick_ns(void)
{
    struct timespec tick;
    int failed = clock_getres(CLOCK_REALTIME_COARSE, &tick);
    assert(failed == 0);
    return (int64_t)tick.tv_sec * 1000000000 + tick.tv_nsec;
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

void sh_clock_rfc3339(int64_t unix_ms, char ret[static SH_RFC3339_BYTES])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year > 8099 || utc.tm_year < 0) {
        (void)snprintf(ret, SH_RFC3339_BYTES, "1970-01-01T00:00:00Z");
        return;
    }
    size_t len = strftime(ret, SH_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
    assert(len == SH_RFC3339_BYTES - 1);
}
