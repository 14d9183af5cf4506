/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include "libcommon/config/cron.h"

#include <stdlib.h>
#include <string.h>

/*
 * Schedules: what is read comes, and comes later. The first byte picks the time zone, the next four
 * the moment, the rest is the schedule.
 */

static void set_zone(uint8_t number)
{
    static const char *const zones[] = {
        "UTC",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    };
    static size_t now = SIZE_MAX;
    size_t wanted = number % (sizeof zones / sizeof zones[0]);
    if (wanted == now)
        return;
    now = wanted;
    fuzz_must(setenv("TZ", zones[wanted], 1) == 0, "there is memory");
    tzset();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5)
        return 0;
    set_zone(data[0]);
    uint32_t moment;
    memcpy(&moment, data + 1, sizeof moment);
    char *text = fuzz_copy(data + 5, size - 5);
    sh_cron cron;
    sh_error error = {0};
    sh_err err = sh_cron_read((sh_slice){text, size - 5}, &cron, &error);
    fuzz_must(err == error.code, "a failure has words");
    time_t at = (time_t)moment;
    for (unsigned i = 0; err == SH_OK && i < 3; i++) {
        time_t next = sh_cron_next(&cron, at);
        struct tm local;
        fuzz_must(next != (time_t)-1 && next > at, "a schedule comes, and comes later");
        fuzz_must(localtime_r(&next, &local) != NULL, "the next moment has a date");
        at = next;
    }
    free(text);
    return 0;
}
