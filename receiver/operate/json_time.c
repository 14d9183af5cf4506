/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/json_time.h"

#include "libcommon/base/clock.h"
#include "libcommon/json/json_write.h"

sh_err json_time_write(sh_buf *json, const char *key, int64_t ms)
{
    char text[SH_RFC3339_BYTES];
    if (ms <= 0)
        return sh_buf_append_format(json, ",\"%s\":null", key);
    sh_clock_rfc3339(ms, text);
    return sh_json_write_member_text(json, key, text);
}

sh_err json_time_write_ms(sh_buf *json, const char *key, int64_t ms)
{
    if (ms > 0)
        return sh_json_write_member_integer(json, key, ms);
    return sh_buf_append_format(json, ",\"%s\":null", key);
}

sh_err json_time_write_both(sh_buf *json, const char *key, int64_t ms)
{
    char text[SH_RFC3339_BYTES];
    if (ms <= 0)
        return sh_buf_append_format(json, ",\"%s\":null,\"%s_ms\":null", key, key);
    sh_clock_rfc3339(ms, text);
    return sh_buf_append_format(json, ",\"%s\":\"%s\",\"%s_ms\":%lld", key, text, key,
                                (long long)ms);
}
