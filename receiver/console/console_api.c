/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_api.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/runtime/log.h"
#include "receiver/console/console_access.h"
#include "receiver/console/console_auth_failures.h"
#include "receiver/console/console_blocklist.h"
#include "receiver/console/console_credential_transfer.h"
#include "receiver/console/console_credentials.h"
#include "receiver/console/console_dead_letters.h"
#include "receiver/console/console_devices.h"
#include "receiver/console/console_history.h"
#include "receiver/console/console_jobs.h"
#include "receiver/console/console_login.h"
#include "receiver/console/console_node_edit.h"
#include "receiver/console/console_nodes.h"
#include "receiver/console/console_reply.h"
#include "receiver/console/console_settings.h"
#include "receiver/console/console_summary.h"
#include "receiver/console/console_tokens.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *method;
    const char *path; /* below /api/v1/; `*` is any part */
    void (*handle)(console_request *request);
    bool is_open;          /* to nobody in particular */
    bool has_body;         /* a JSON object */
    bool body_is_optional; /* it may be absent */
    bool only_asks;        /* it changes nothing, whatever its method */
} api_route;

static const api_route routes[] = {
    {"GET", "session", console_show_session, .is_open = false},
    {"POST", "session", console_login, .is_open = true, .has_body = true},
    {"DELETE", "session", console_logout, .is_open = true},
    {"PUT", "password", console_change_password, .is_open = false, .has_body = true},
    {"GET", "summary", console_show_summary, .is_open = false},
    {"GET", "history", console_show_history, .is_open = false},
    {"GET", "nodes", console_list_nodes, .is_open = false},
    {"POST", "nodes", console_expect_node, .is_open = false, .has_body = true},
    {"GET", "nodes/*", console_show_node, .is_open = false},
    {"PATCH", "nodes/*", console_change_node, .is_open = false, .has_body = true},
    {"DELETE", "nodes/*", console_forget_node, .is_open = false},
    {"GET", "nodes/*/credentials", console_show_credentials, .is_open = false},
    {"POST", "nodes/*/credentials", console_add_credentials, .has_body = true,
     .body_is_optional = true},
    {"DELETE", "nodes/*/credentials", console_revoke_credentials, .is_open = false},
    {"POST", "nodes/*/credentials/rotate", console_rotate_credentials, .has_body = true,
     .body_is_optional = true},
    {"GET", "credentials", console_list_credentials, .is_open = false},
    {"POST", "credentials/export", console_export_credentials, .is_open = false},
    {"POST", "credentials/import", console_import_credentials, .is_open = false},
    {"GET", "devices", console_list_devices, .is_open = false},
    {"GET", "devices.csv", console_export_devices, .is_open = false},
    {"GET", "devices/*", console_show_device, .is_open = false},
    {"GET", "dead-letters", console_list_dead_letters, .is_open = false},
    {"POST", "dead-letters/bulk", console_begin_job, .is_open = false, .has_body = true},
    {"GET", "dead-letters/*", console_show_dead_letter, .is_open = false},
    {"DELETE", "dead-letters/*", console_drop_dead_letter, .is_open = false},
    {"POST", "dead-letters/*/retry", console_retry_dead_letter, .is_open = false, .has_body = true,
     .body_is_optional = true},
    {"GET", "jobs", console_list_jobs, .is_open = false},
    {"GET", "jobs/*", console_show_job, .is_open = false},
    {"DELETE", "jobs/*", console_cancel_job, .is_open = false},
    {"GET", "blocklist", console_list_blocklist, .is_open = false},
    {"POST", "blocklist", console_block, .is_open = false, .has_body = true},
    {"DELETE", "blocklist/*", console_unblock, .is_open = false},
    {"GET", "auth-failures", console_list_auth_failures, .is_open = false},
    {"DELETE", "auth-failures", console_clear_auth_failures, .is_open = false},
    {"GET", "settings", console_list_settings, .is_open = false},
    {"GET", "settings/*", console_show_setting, .is_open = false},
    {"PUT", "settings/*", console_set_setting, .is_open = false, .has_body = true},
    {"DELETE", "settings/*", console_unset_setting, .is_open = false},
    {"POST", "settings/*/check", console_check_setting, .has_body = true, .only_asks = true},
    {"GET", "tokens", console_list_tokens, .is_open = false},
    {"POST", "tokens", console_add_token, .is_open = false, .has_body = true},
    {"DELETE", "tokens/*", console_revoke_token, .is_open = false},
};
#define ROUTES (sizeof routes / sizeof routes[0])

/* Whether the parts of the request's path are those of a route. */
static bool fits(const api_route *route, const console_request *request)
{
    const char *at = route->path;
    for (size_t i = 0; i < request->parts_count; i++) {
        size_t len = strcspn(at, "/");
        bool any = len == 1 && at[0] == '*';
        if (len == 0 ||
            (!any && (strlen(request->parts[i]) != len || memcmp(request->parts[i], at, len) != 0)))
            return false;
        at += len + (at[len] == '/');
    }
    return *at == '\0';
}

/* A literal path comes before one with `*` in the table. NULL: a problem was answered. */
static const api_route *find_route(const console_request *request)
{
    const char *method = sh_http_method(request->exchange);
    char allowed[64] = "";
    size_t len = 0;
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < ROUTES; i++) {
        if (!fits(&routes[i], request))
            continue;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
        len += (size_t)snprintf(allowed + len, sizeof allowed - len, "%s%s", len > 0 ? ", " : "",
                                routes[i].method);
    }
    if (len > 0) {
        sh_http_reply_header(request->exchange, "Allow", allowed);
        console_reply_problem(request->exchange, 405, NULL, "This path takes another method");
    } else {
        console_reply_problem(request->exchange, 404, NULL, "There is no such path");
    }
    return NULL;
}

/* Whether the sender may do this. False: a problem was answered. */
static bool is_allowed(const api_route *route, console_request *request)
{
    if (route->is_open)
        return true;
    if (!console_access_identify(request))
        return false;
    if (!console_request_changes(request) || route->only_asks || !request->read_only)
        return true;
    console_reply_problem(request->exchange, 403, NULL, "This token may only read");
    return false;
}

void console_api(console_request *request)
{
    if (!console_request_read_path(request)) {
        console_reply_problem(request->exchange, 404, NULL, "There is no such path");
        return;
    }
    const api_route *route = find_route(request);
    if (route == NULL || !is_allowed(route, request) ||
        (route->has_body && !console_request_read_body(request, route->body_is_optional)))
        return;
    if (console_request_changes(request) && !route->is_open && !route->only_asks)
        sh_log_info("console: %s from %s: %s %s", request->user, sh_http_peer(request->exchange),
                    sh_http_method(request->exchange), sh_http_path(request->exchange));
    route->handle(request);
}
