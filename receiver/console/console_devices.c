/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_devices.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "receiver/console/console_record.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/device_csv.h"
#include "receiver/operate/device_json.h"
#include "receiver/operate/devices_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE_BYTES_MAX (16 * SH_MIB)
#define VALUE_BYTES 256
#define OPTION_BYTES (VALUE_BYTES + 16)
#define OPTIONS_MAX 8
#define CSV_NEXT_HEADER "Synchub-Next" /* `next` of a page in CSV */

/* The query as the arguments of `devices`, whose checks and messages apply. */
typedef struct {
    char texts[OPTIONS_MAX][OPTION_BYTES];
    char *argv[OPTIONS_MAX + 1];
    int argc;
    device_options options;
} devices_query;

static sh_err add_option(devices_query *q, const char *name, const char *value)
{
    (void)snprintf(q->texts[q->argc], OPTION_BYTES, "--%s%s%s", name, value[0] == '\0' ? "" : "=",
                   value);
    q->argv[q->argc] = q->texts[q->argc];
    q->argc++;
    return SH_OK;
}

static sh_err read_query(const console_request *request, devices_query *q, sh_error *error)
{
    static const char *const names[] = {"node", "since", "search", "sort", "after"};
    char value[VALUE_BYTES], present[16];
    int64_t limit = 0;
    sh_err err = console_request_limit(request, &limit, error);
    for (size_t i = 0; i < sizeof names / sizeof names[0] && err == SH_OK; i++) {
        if (!console_request_query(request, names[i], value, sizeof value))
            err = sh_fail(error, SH_E_FORMAT, "`%s` is too long or no text", names[i]);
        else if (value[0] != '\0')
            err = add_option(q, names[i], value);
    }
    if (err == SH_OK && !console_request_query(request, "present", present, sizeof present))
        err = sh_fail(error, SH_E_FORMAT, "`present` takes yes, no or unknown");
    if (err == SH_OK && present[0] != '\0') {
        bool unknown = strcmp(present, "unknown") == 0, no = strcmp(present, "no") == 0;
        if (!unknown && !no && strcmp(present, "yes") != 0)
            return sh_fail(error, SH_E_FORMAT, "`present` takes yes, no or unknown");
        err = add_option(q, unknown ? "unknown" : no ? "absent" : "present", "");
    }
    if (err == SH_OK)
        err = device_options_read(q->argc, q->argv, sh_clock_unix_ms(), &q->options, error);
    q->options.query.limit = limit + 1; /* whether there is one more */
    return err;
}

/* --- Answers --------------------------------------------------------------------------------- */

typedef struct {
    sh_buf text;
    bool is_csv;                      /* otherwise JSON */
    int64_t limit, count, last, next; /* last, next: rowids; next is 0 on the last page */
    bool has_presence;
} devices_page;

static sh_err append_device(devices_page *page, const store_device *device)
{
    if (page->is_csv)
        return device_csv_write(&page->text, device, page->has_presence);
    sh_err err = sh_buf_append_text(&page->text, page->count > 0 ? ",\n" : "");
    return err == SH_OK ? device_json_write(&page->text, device, page->has_presence) : err;
}

/* A page of many large rows ends early. */
static sh_err add_device(void *context, const store_device *device, sh_error *error)
{
    devices_page *page = context;
    if (page->count == page->limit) {
        page->next = page->last;
        return SH_E_STOPPED;
    }
    size_t before = page->text.len;
    sh_err err = append_device(page, device);
    if (err == SH_E_LIMIT && page->count > 0) {
        page->text.len = before;
        page->next = page->last;
        return SH_E_STOPPED;
    }
    if (err != SH_OK)
        return sh_fail(error, err, "a device is too large to be shown");
    page->count++;
    page->last = device->rowid;
    return SH_OK;
}

static sh_err read_page(store *s, const store_device_query *query, devices_page *page,
                        sh_error *error)
{
    sh_err err = store_devices(s, query, add_device, page, error);
    return err == SH_E_STOPPED && error->code == SH_OK ? SH_OK : err;
}

/* Of several pages in CSV, only the first has titles, so that they can be joined. */
static sh_err write_begin(store *s, const store_device_query *query, devices_page *page)
{
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    page->has_presence = store_has_presence(s);
    if (!page->is_csv)
        return sh_buf_append_text(&page->text, "{\"items\":[");
    return query->after == 0 ? device_csv_titles(&page->text, columns, count) : SH_OK;
}

static sh_err write_end(devices_page *page)
{
    page->text.limit = PAGE_BYTES_MAX + SH_KIB;
    if (page->is_csv)
        return SH_OK;
    return page->next > 0
               ? sh_buf_append_format(&page->text, "],\"next\":\"%" PRId64 "\"}\n", page->next)
               : sh_buf_append_text(&page->text, "],\"next\":null}\n");
}

static sh_err list_page(const console_request *request, devices_query *query, devices_page *page,
                        sh_error *error)
{
    store *s = NULL;
    sh_err err = read_query(request, query, error);
    page->limit = query->options.query.limit - 1;
    if (err == SH_OK)
        err = console_record_open(request->console->settings, &s, error);
    if (err == SH_OK)
        err = write_begin(s, &query->options.query, page);
    if (err == SH_OK)
        err = read_page(s, &query->options.query, page, error);
    store_close(s);
    return err == SH_OK ? write_end(page) : err;
}

void console_list_devices(console_request *request)
{
    devices_query query = {.argc = 0};
    devices_page page = {.text = SH_BUF_INIT(PAGE_BYTES_MAX)};
    sh_error error = {.code = SH_OK};
    sh_err err = list_page(request, &query, &page, &error);
    console_reply_json(request->exchange, err, &page.text, &error);
    sh_buf_reset(&page.text);
}

static void reply_csv(const console_request *request, const devices_query *query,
                      const devices_page *page)
{
    char next[24];
    (void)snprintf(next, sizeof next, "%" PRId64, page->next);
    if (page->next > 0)
        sh_http_reply_header(request->exchange, CSV_NEXT_HEADER, next);
    sh_http_reply_header(request->exchange, "Content-Disposition",
                         "attachment; filename=\"devices.csv\"");
    console_reply_body(request->exchange, 200,
                       query->options.query.after == 0 ? "text/csv; charset=utf-8; header=present"
                                                       : "text/csv; charset=utf-8; header=absent",
                       (sh_slice){page->text.data, page->text.len});
}

void console_export_devices(console_request *request)
{
    devices_query query = {.argc = 0};
    devices_page page = {.text = SH_BUF_INIT(PAGE_BYTES_MAX), .is_csv = true};
    sh_error error = {.code = SH_OK};
    sh_err err = list_page(request, &query, &page, &error);
    if (err == SH_OK) {
        reply_csv(request, &query, &page);
    } else {
        (void)sh_fail(&error, err, "the hub is short of memory");
        console_reply_failure(request->exchange, &error);
    }
    sh_buf_reset(&page.text);
}

void console_show_device(console_request *request)
{
    devices_page page = {.text = SH_BUF_INIT(DEVICE_JSON_MAX), .limit = 1};
    sh_error error = {.code = SH_OK}, reason = {.code = SH_OK};
    sh_mac mac;
    store *s = NULL;
    sh_err err = sh_mac_read(sh_slice_of(request->parts[1]), &mac, &reason);
    if (err != SH_OK)
        err = sh_fail(&error, SH_E_FORMAT, "this is no MAC: %s", reason.message);
    if (err == SH_OK)
        err = console_record_open(request->console->settings, &s, &error);
    if (err == SH_OK) {
        const store_device_query query = {.mac = &mac};
        page.has_presence = store_has_presence(s);
        err = read_page(s, &query, &page, &error);
    }
    store_close(s);
    if (err == SH_OK && page.count == 0)
        err = sh_fail(&error, SH_E_NOT_FOUND, "no device has the MAC %s", mac.text);
    console_reply_json(request->exchange, err, &page.text, &error);
    sh_buf_reset(&page.text);
}
