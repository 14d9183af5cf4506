/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_credentials.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/node_name.h"
#include "libcommon/json/json_write.h"
#include "receiver/console/console_body.h"
#include "receiver/console/console_list.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/credential_state.h"
#include "receiver/operate/hub_connections.h"
#include "receiver/operate/node_credentials.h"

#include <string.h>

#define NEXT_BYTES (SH_NODE_NAME_MAX + 1)

/* --- Reading --------------------------------------------------------------------------------- */

typedef struct {
    char after[NEXT_BYTES]; /* name of the last node of the page before; "": none */
    int64_t limit;
} credentials_query;

static sh_err read_query(const console_request *request, credentials_query *ret, sh_error *error)
{
    if (!console_request_query(request, "after", ret->after, sizeof ret->after))
        return sh_fail(error, SH_E_FORMAT, "`after` must be the `next` of the page before");
    return console_request_limit(request, &ret->limit, error);
}

static sh_err write_record(const hub_connections *hub, const sh_node_record *record, sh_buf *json,
                           sh_error *error)
{
    int64_t used_ms = 0;
    sh_err err = sh_queue_node_used_get(hub->queue, record->node, &used_ms, error);
    if (err != SH_OK)
        return err;
    err = credential_state_write(json, record, used_ms, sh_clock_unix_ms());
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

typedef struct {
    const hub_connections *hub;
    const sh_credentials *all;
} listed;

static sh_err write_listed(void *context, size_t index, sh_buf *json, sh_error *error)
{
    const listed *l = context;
    return write_record(l->hub, sh_credentials_at(l->all, index), json, error);
}

static sh_err write_next(void *context, size_t index, sh_buf *json)
{
    const listed *l = context;
    return sh_json_write_string(json, sh_slice_of(sh_credentials_at(l->all, index)->node));
}

static sh_err write_page(const credentials_query *query, listed *l, sh_buf *json, sh_error *error)
{
    console_list page = {.count = sh_credentials_count(l->all),
                         .limit = query->limit,
                         .write = write_listed,
                         .write_next = write_next};
    while (page.first < page.count && query->after[0] != '\0' &&
           strcmp(sh_credentials_at(l->all, page.first)->node, query->after) <= 0)
        page.first++;
    return console_list_write(&page, l, json, error);
}

void console_list_credentials(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(SH_CONSOLE_PAGE_MAX * CREDENTIAL_JSON_MAX);
    credentials_query query = {.limit = 0};
    hub_connections hub = {.store = NULL};
    sh_credentials *all = NULL;
    sh_error error = {.code = SH_OK};
    sh_err err = read_query(request, &query, &error);
    if (err == SH_OK)
        err = hub_connections_open_to_read(request->console->settings, &hub, &error);
    if (err == SH_OK)
        err = credential_states_read(hub.store, &all, &error);
    if (err == SH_OK)
        err = write_page(&query, &(listed){&hub, all}, &json, &error);
    sh_credentials_free(all);
    hub_connections_close(&hub);
    console_reply_json(request->exchange, err, &json, &error);
}

static sh_err write_one(const hub_connections *hub, const char *node, sh_buf *json, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_NODE_RECORD_MAX);
    sh_error unknown = {.code = SH_OK};
    sh_node_record record = {.count = 0};
    sh_err err = store_state_get(hub->store, STORE_CREDENTIALS, node, &text, &unknown);
    if (err == SH_E_NOT_FOUND)
        return sh_fail(error, err, "node '%s' has no credentials of its own", node);
    if (err != SH_OK)
        return sh_fail(error, err, "%s", unknown.message);
    sh_node_record_read(sh_slice_of(node), (sh_slice){text.data, text.len}, &record);
    return write_record(hub, &record, json, error);
}

void console_show_credentials(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(CREDENTIAL_JSON_MAX);
    hub_connections hub = {.store = NULL};
    sh_error error = {.code = SH_OK};
    sh_err err = hub_connections_open_to_read(request->console->settings, &hub, &error);
    if (err == SH_OK)
        err = write_one(&hub, request->parts[1], &json, &error);
    hub_connections_close(&hub);
    console_reply_json(request->exchange, err, &json, &error);
}

/* --- Changes --------------------------------------------------------------------------------- */

static sh_err check_name(const char *node, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    if (sh_node_name_check(sh_slice_of(node), &reason) != SH_OK)
        return sh_fail(error, SH_E_FORMAT, "%s", reason.message);
    return SH_OK;
}

/* The new credentials as JSON. published: whether receivers know them. */
static sh_err write_secrets(const node_change *made, bool published, sh_buf *json)
{
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "name", made->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "SYNC_node_name", made->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "SYNC_api_token", made->issued.secrets.token);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "SYNC_encryption_key",
                                        made->issued.secrets.encryption_key);
    return err == SH_OK
               ? sh_buf_append_format(json, ",\"published\":%s}", published ? "true" : "false")
               : err;
}

/* What is stored is answered even if it could not be published: nobody could read it again. */
static void make(console_request *request, credentials_action action,
                 const node_change_options *options, unsigned status)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf json = SH_BUF_INIT(4 * SH_KIB);
    node_changes changes = {.options = *options};
    sh_error error = {.code = SH_OK};
    bool stored = false;
    sh_err err = check_name(request->parts[1], &error);
    if (err == SH_OK)
        err = node_changes_init(&changes, 1, &error);
    if (err == SH_OK) {
        changes.items[0].node = request->parts[1];
        err =
            node_credentials_change(request->console->settings, action, &changes, &stored, &error);
    }
    if (stored && write_secrets(&changes.items[0], err == SH_OK, &json) != SH_OK) {
        sh_error_clear(&error);
        (void)sh_fail(&error, SH_E_MEMORY, "the hub is short of memory: make new credentials");
        stored = false;
    }
    if (stored)
        console_reply_secret(request->exchange, status, (sh_slice){json.data, json.len});
    else
        console_reply_failure(request->exchange, &error);
    node_changes_reset(&changes);
}

void console_add_credentials(console_request *request)
{
    node_change_options options = {.now_ms = sh_clock_unix_ms()};
    int64_t grace_s = 0;
    sh_error error = {.code = SH_OK};
    const console_body_field fields[] = {
        {"netalertx", CONSOLE_BODY_FLAG, &options.netalertx, .required = false},
        {"ephemeral", CONSOLE_BODY_FLAG, &options.ephemeral, .required = false},
        {"grace_s", CONSOLE_BODY_INTEGER, &grace_s, .largest = SH_NODE_ROTATE_OVERLAP_MAX_S},
    };
    if (console_body_read(request->body, fields, sizeof fields / sizeof fields[0], &error) !=
        SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    options.old_ms = grace_s * 1000;
    make(request, CREDENTIALS_ADD, &options, 201);
}

void console_rotate_credentials(console_request *request)
{
    node_change_options options = {.now_ms = sh_clock_unix_ms()};
    int64_t grace_s = SH_NODE_ROTATE_OVERLAP_S;
    sh_error error = {.code = SH_OK};
    const console_body_field field = {"grace_s", CONSOLE_BODY_INTEGER, &grace_s,
                                      .largest = SH_NODE_ROTATE_OVERLAP_MAX_S};
    if (console_body_read(request->body, &field, 1, &error) != SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    options.old_ms = grace_s * 1000;
    make(request, CREDENTIALS_ROTATE, &options, 200);
}

void console_revoke_credentials(console_request *request)
{
    node_changes changes = {.options = {.now_ms = sh_clock_unix_ms()}};
    sh_error error = {.code = SH_OK};
    bool stored = false;
    sh_err err = node_changes_init(&changes, 1, &error);
    if (err == SH_OK) {
        changes.items[0].node = request->parts[1];
        err = node_credentials_change(request->console->settings, CREDENTIALS_REVOKE, &changes,
                                      &stored, &error);
    }
    if (err != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_empty(request->exchange, 204);
    node_changes_reset(&changes);
}
