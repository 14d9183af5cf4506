/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/duration.h"

#include "libcommon/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define UNITS 4

static const struct {
    char unit;
    int64_t seconds;
} units[UNITS] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

bool sh_duration_read(const char *text, int64_t max_s, int64_t *ret_ms)
{
    size_t len = strlen(text);
    for (size_t i = 0; len > 1 && i < UNITS; i++) {
        uint64_t number;
        if (text[len - 1] != units[i].unit)
            continue;
        if (!sh_text_to_u64((sh_slice){text, len - 1}, (uint64_t)(max_s / units[i].seconds),
                            &number))
            return false;
        *ret_ms = (int64_t)number * units[i].seconds * 1000;
        return true;
    }
    return false;
}

void sh_duration_write(int64_t seconds, char ret[static SH_DURATION_BYTES])
{
    size_t at = UNITS - 1;
    while (at > 0 && (seconds == 0 || seconds % units[at].seconds != 0))
        at--;
    (void)snprintf(ret, SH_DURATION_BYTES, "%" PRId64 "%c", seconds / units[at].seconds,
                   units[at].unit);
}
