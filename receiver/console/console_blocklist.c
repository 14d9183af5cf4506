/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_blocklist.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_write.h"
#include "libcommon/netalertx/mac.h"
#include "receiver/console/console_body.h"
#include "receiver/console/console_list.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/blocklist_edit.h"

#include <stdlib.h>
#include <string.h>

#define MACS_MAX 1000 /* in one request */
#define NEXT_BYTES (SH_MAC_MAX_BYTES + 32)

/* --- The list -------------------------------------------------------------------------------- */

typedef struct {
    char after[NEXT_BYTES]; /* `SOURCE MAC` of the last device of the page before; "": none */
    const char *after_mac;  /* after the space, which is replaced by a NUL */
    int64_t limit;
} blocklist_query;

static sh_err read_query(const console_request *request, blocklist_query *ret, sh_error *error)
{
    bool valid = console_request_query(request, "after", ret->after, sizeof ret->after);
    char *space = strchr(ret->after, ' ');
    if (!valid || (ret->after[0] != '\0' && space == NULL))
        return sh_fail(error, SH_E_FORMAT, "`after` must be the `next` of the page before");
    if (space != NULL) {
        *space = '\0';
        ret->after_mac = space + 1;
    }
    return console_request_limit(request, &ret->limit, error);
}

static sh_err write_one(void *context, size_t index, sh_buf *json, sh_error *error)
{
    const blocked_devices *list = context;
    (void)error;
    return blocked_device_write(json, &list->items[index]);
}

static sh_err write_next(void *context, size_t index, sh_buf *json)
{
    const blocked_device *last = &((const blocked_devices *)context)->items[index];
    char next[NEXT_BYTES];
    (void)snprintf(next, sizeof next, "%s %s", blocked_device_source(last), last->mac);
    return sh_json_write_string(json, sh_slice_of(next));
}

static sh_err write_page(const blocklist_query *query, blocked_devices *list, sh_buf *json,
                         sh_error *error)
{
    console_list page = {
        .count = list->count, .limit = query->limit, .write = write_one, .write_next = write_next};
    while (page.first < list->count && query->after_mac != NULL &&
           blocked_device_compare(&list->items[page.first], query->after_mac, query->after) <= 0)
        page.first++;
    return console_list_write(&page, list, json, error);
}

void console_list_blocklist(console_request *request)
{
    SH_CLEANUP(sh_buf_reset)
    sh_buf json = SH_BUF_INIT(SH_CONSOLE_PAGE_MAX * BLOCKED_DEVICE_JSON_MAX);
    blocklist_query query = {.limit = 0};
    blocked_devices list = {.count = 0};
    sh_error error = {.code = SH_OK};
    sh_err err = read_query(request, &query, &error);
    if (err == SH_OK)
        err = blocked_devices_read(request->console->settings, &list, &error);
    if (err == SH_OK)
        err = write_page(&query, &list, &json, &error);
    blocked_devices_reset(&list);
    console_reply_json(request->exchange, err, &json, &error);
}

/* --- Changes --------------------------------------------------------------------------------- */

static sh_err read_macs(const sh_json *macs, const char ***ret, sh_error *error)
{
    size_t count = sh_json_count(macs);
    if (count == 0 || count > MACS_MAX)
        return sh_fail(error, SH_E_FORMAT, "`macs` takes 1 to %d MACs", MACS_MAX);
    *ret = calloc(count, sizeof **ret);
    if (*ret == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const sh_json *mac = sh_json_at(macs, i);
        if (sh_json_kind_of(mac) != SH_JSON_STRING)
            return sh_fail(error, SH_E_FORMAT, "`macs` must be an array of texts");
        (*ret)[i] = sh_json_text(mac).data;
    }
    return SH_OK;
}

void console_block(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(SH_KIB);
    SH_CLEANUP(sh_free_cleanup) const char **macs = NULL;
    const sh_json *given = NULL;
    blocklist_edit edit = {.adds = true, .note = ""};
    size_t added = 0;
    sh_error error = {.code = SH_OK};
    const console_body_field fields[] = {
        {"macs", CONSOLE_BODY_ARRAY, &given, .required = true},
        {"note", CONSOLE_BODY_TEXT, &edit.note, .required = false},
    };
    sh_err err = console_body_read(request->body, fields, sizeof fields / sizeof fields[0], &error);
    if (err == SH_OK)
        err = read_macs(given, &macs, &error);
    if (err == SH_OK) {
        edit.macs = macs;
        edit.count = sh_json_count(given);
        err = blocklist_edit_apply(request->console->settings, &edit, &added, &error);
    }
    if (err == SH_OK)
        err = sh_buf_append_format(&json, "{\"added\":%zu}\n", added);
    console_reply_json(request->exchange, err, &json, &error);
}

void console_unblock(console_request *request)
{
    const blocklist_edit edit = {.adds = false, .macs = &request->parts[1], .count = 1, .note = ""};
    size_t removed = 0;
    sh_error error = {.code = SH_OK};
    if (blocklist_edit_apply(request->console->settings, &edit, &removed, &error) != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_empty(request->exchange, 204);
}
