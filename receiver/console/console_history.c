/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_history.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "receiver/console/console_record.h"
#include "receiver/console/console_reply.h"
#include "receiver/store/store_history.h"

#include <inttypes.h>

#define HOUR_MS (3600 * INT64_C(1000))
#define HOURS_DEFAULT 168
#define JSON_MAX (2 * SH_MIB)

static sh_err read_query(const console_request *request, char node[static CONSOLE_PART_BYTES],
                         int64_t *hours, sh_error *error)
{
    char text[16];
    uint64_t number = HOURS_DEFAULT;
    if (!console_request_query(request, "node", node, CONSOLE_PART_BYTES) ||
        !console_request_query(request, "hours", text, sizeof text))
        return sh_fail(error, SH_E_FORMAT, "a parameter of the query is too long or no text");
    if (text[0] != '\0' &&
        (!sh_text_to_u64(sh_slice_of(text), SH_HISTORY_HOURS, &number) || number == 0))
        return sh_fail(error, SH_E_FORMAT, "`hours` takes 1 to %d", SH_HISTORY_HOURS);
    *hours = (int64_t)number;
    return SH_OK;
}

static sh_err append_number(sh_buf *json, const char *key, bool is_known, int64_t value)
{
    return is_known ? sh_buf_append_format(json, ",\"%s\":%" PRId64, key, value)
                    : sh_buf_append_format(json, ",\"%s\":null", key);
}

static sh_err append_hour(void *context, const store_figures *f, sh_error *error)
{
    sh_buf *json = context;
    char at[SH_RFC3339_BYTES];
    bool measured = f->pushes > 0;
    sh_clock_rfc3339(f->hour * HOUR_MS, at);
    sh_err err = sh_buf_append_format(
        json, "%s{\"at\":\"%s\",\"pushes\":%" PRId64 ",\"inserted\":%" PRId64,
        json->data[json->len - 1] == '[' ? "" : ",\n", at, f->pushes, f->inserted);
    if (err == SH_OK)
        err = append_number(json, "lag_average_ms", measured,
                            measured ? f->lag_sum_ms / f->pushes : 0);
    if (err == SH_OK)
        err = append_number(json, "lag_max_ms", measured, f->lag_max_ms);
    if (err == SH_OK)
        err = append_number(json, "queue_max", f->queue_max >= 0, f->queue_max);
    if (err == SH_OK)
        err = sh_buf_append_text(json, "}");
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

void console_show_history(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(JSON_MAX);
    char node[CONSOLE_PART_BYTES];
    int64_t hours = 0;
    sh_error error = {.code = SH_OK};
    store *s = NULL;
    sh_err err = read_query(request, node, &hours, &error);
    if (err == SH_OK)
        err = console_record_open(request->console->settings, &s, &error);
    if (err == SH_OK && sh_buf_append_text(&json, "{\"items\":[") != SH_OK)
        err = sh_fail(&error, SH_E_MEMORY, "out of memory");
    int64_t now_hour = sh_clock_unix_ms() / HOUR_MS;
    if (err == SH_OK)
        err = store_history_read(s, node, now_hour - hours + 1, append_hour, &json, &error);
    store_close(s);
    if (err == SH_OK)
        err = sh_buf_append_text(&json, "],\"next\":null}\n");
    console_reply_json(request->exchange, err, &json, &error);
}
