/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include "libcommon/config/cron.h"

#include <stdlib.h>
#include <string.h>

/*
 * Schedules: the next time of a valid schedule exists and is later. The first byte selects the time
 * zone, the next four the start time; the rest is the schedule.
 */

static void set_zone(uint8_t number)
{
    static const char *const zones[] = {
        "UTC",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    };
    static size_t current = SIZE_MAX;
    size_t wanted = number % (sizeof zones / sizeof zones[0]);
    if (wanted == current)
        return;
    current = wanted;
    fuzz_assert(setenv("TZ", zones[wanted], 1) == 0, "setenv succeeds");
    tzset();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    set_zone(data[0]);
    uint32_t start;
    memcpy(&start, data + 1, sizeof start);
    char *text = fuzz_copy(data + 5, size - 5);
    sh_cron cron;
    sh_error error = {0};
    sh_err err = sh_cron_read((sh_slice){text, size - 5}, &cron, &error);
    fuzz_assert(err == error.code, "an error has a message");
    time_t at = (time_t)start;
    for (unsigned i = 0; err == SH_OK && i < 3; i++) {
        time_t next = sh_cron_next(&cron, at);
        struct tm local;
        fuzz_assert(next != (time_t)-1 && next > at, "the next time exists and is later");
        fuzz_assert(localtime_r(&next, &local) != NULL, "the next time has a date");
        at = next;
    }
    free(text);
    return 0;
}
