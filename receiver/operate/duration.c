/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/duration.h"

#include "libcommon/base/text.h"

#include <string.h>

bool duration_read(const char *text, int64_t max_s, int64_t *ret_ms)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t len = strlen(text);
    for (size_t i = 0; len > 1 && i < sizeof units / sizeof units[0]; i++) {
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
