/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_auth_failures.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_write.h"
#include "receiver/console/console_list.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/auth_failures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEXT_BYTES (SH_ADDRESS_MAX + SH_NODE_NAME_MAX + 32)

typedef struct {
    bool has_after;
    store_auth_failure after; /* the last one of the page before: its time, address and name */
    int64_t limit;
} failures_query;

/* Splits `MS ADDRESS NAME`, of which the name may be empty and contain spaces. */
static bool read_after(char *text, store_auth_failure *ret)
{
    char *end = NULL;
    char *address = strchr(text, ' ');
    char *node = address == NULL ? NULL : strchr(address + 1, ' ');
    if (node == NULL)
        return false;
    *address++ = '\0';
    *node++ = '\0';
    ret->last_ms = strtoll(text, &end, 10);
    if (*end != '\0' || strlen(address) >= sizeof ret->address || strlen(node) >= sizeof ret->node)
        return false;
    (void)snprintf(ret->address, sizeof ret->address, "%s", address);
    (void)snprintf(ret->node, sizeof ret->node, "%s", node);
    return true;
}

static sh_err read_query(const console_request *request, failures_query *ret, sh_error *error)
{
    char after[NEXT_BYTES];
    bool valid = console_request_query(request, "after", after, sizeof after);
    ret->has_after = after[0] != '\0';
    if (!valid || (ret->has_after && !read_after(after, &ret->after)))
        return sh_fail(error, SH_E_FORMAT, "`after` must be the `next` of the page before");
    return console_request_limit(request, &ret->limit, error);
}

static sh_err write_one(void *context, size_t index, sh_buf *json, sh_error *error)
{
    const auth_failures *list = context;
    (void)error;
    return auth_failure_write(json, &list->all[index]);
}

static sh_err write_next(void *context, size_t index, sh_buf *json)
{
    const store_auth_failure *last = &((const auth_failures *)context)->all[index];
    char next[NEXT_BYTES];
    (void)snprintf(next, sizeof next, "%" PRId64 " %s %s", last->last_ms, last->address,
                   last->node);
    return sh_json_write_string(json, sh_slice_of(next));
}

static sh_err write_page(const failures_query *query, auth_failures *list, sh_buf *json,
                         sh_error *error)
{
    console_list page = {
        .count = list->count, .limit = query->limit, .write = write_one, .write_next = write_next};
    while (page.first < list->count && query->has_after &&
           auth_failure_compare(&list->all[page.first], &query->after) <= 0)
        page.first++;
    return console_list_write(&page, list, json, error);
}

void console_list_auth_failures(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(SH_CONSOLE_PAGE_MAX * AUTH_FAILURE_JSON_MAX);
    failures_query query = {.limit = 0};
    auth_failures list = {.count = 0};
    sh_error error = {.code = SH_OK};
    sh_err err = read_query(request, &query, &error);
    if (err == SH_OK)
        err = auth_failures_read(request->console->settings, &list, &error);
    if (err == SH_OK)
        err = write_page(&query, &list, &json, &error);
    auth_failures_reset(&list);
    console_reply_json(request->exchange, err, &json, &error);
}

void console_clear_auth_failures(console_request *request)
{
    sh_error error = {.code = SH_OK};
    if (auth_failures_clear(request->console->settings, &error) != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_empty(request->exchange, 204);
}
