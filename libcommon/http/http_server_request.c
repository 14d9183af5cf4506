/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_request.h"

#include "libcommon/base/limits.h"
#include "libcommon/http/http_error.h"
#include "libcommon/http/http_server_ambiguity.h"
#include "libcommon/http/http_server_body.h"
#include "libcommon/http/http_server_connections.h"
#include "libcommon/http/http_server_events.h"
#include "libcommon/http/http_server_exchange.h"
#include "libcommon/http/http_server_peer.h"
#include "libcommon/http/http_server_timeouts.h"
#include "libcommon/http/http_server_work.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void read_content_type(sh_http_exchange *exchange)
{
    const char *value = sh_http_header(exchange, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (value == NULL)
        return;
    sh_slice type = sh_slice_trim((sh_slice){value, strcspn(value, ";")});
    if (type.len >= sizeof exchange->content_type)
        type.len = sizeof exchange->content_type - 1;
    for (size_t i = 0; i < type.len; i++) {
        char c = type.data[i];
        exchange->content_type[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
}

static void read_peer(sh_http_exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    sh_http_peer_text(info == NULL ? NULL : info->client_addr, exchange->peer);
}

static bool method_fits(const char *route, const char *method)
{
    return strcmp(route, "*") == 0 || strcmp(route, method) == 0 ||
           (strcmp(route, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* Nodes and hubs add /sync to the URL that they are given. */
static const char *unknown_path_text(const char *path)
{
    static const char sync[] = "/sync";
    size_t len = strlen(path);
    bool prefixed = len >= sizeof sync && strcmp(path + len - strlen(sync), sync) == 0;
    return prefixed
               ? "There is no such path here: the hub's or node's URL in the settings must end "
                 "with host and port, because /sync is added to it"
               : "There is no such path here";
}

/* Finds the route; answers 404 or 405 and returns NULL if there is none. */
static const sh_http_route *find_route(sh_http_exchange *exchange, const char *method,
                                       const char *path)
{
    const char *other = NULL;
    for (const sh_http_route *r = exchange->server->routes; r->method != NULL; r++) {
        if (strcmp(r->path, path) != 0 && strcmp(r->path, "*") != 0)
            continue;
        if (method_fits(r->method, method))
            return r;
        other = r->method;
    }
    if (other == NULL) {
        sh_http_reply_failure(exchange, MHD_HTTP_NOT_FOUND, SH_HTTP_CODE_PATH, "Not Found",
                              unknown_path_text(path));
    } else {
        sh_http_reply_header(exchange, MHD_HTTP_HEADER_ALLOW, other);
        sh_http_reply_failure(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, SH_HTTP_CODE_METHOD,
                              "Method Not Allowed", "This path takes another method");
    }
    return NULL;
}

/* Prepares for the body, or answers 413 if its Content-Length is larger than admitted. */
static void expect_body(sh_http_exchange *exchange)
{
    exchange->body.limit = exchange->allowed;
    const char *length = sh_http_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length != NULL && (!sh_text_to_u64(sh_slice_of(length), UINT64_MAX, &exchange->announced) ||
                           exchange->announced > exchange->allowed))
        sh_http_reply_too_large(exchange);
}

/*
 * Whether a refused body must be read to its end before the answer is sent: a peer that sends
 * without Expect: 100-continue would otherwise see a reset connection instead of the answer.
 */
static bool must_discard(const sh_http_exchange *exchange)
{
    if (sh_http_header(exchange, MHD_HTTP_HEADER_EXPECT) != NULL)
        return false;
    const char *length = sh_http_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t announced = 0;
    if (length == NULL)
        return sh_http_header(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
    return sh_text_to_u64(sh_slice_of(length), SH_HTTP_DISCARD_MAX, &announced) && announced > 0;
}

/* Passes the exchange to a worker; answers 503 if there is none. */
static bool give_to_worker(sh_http_exchange *exchange, sh_http_stage stage, sh_http_class class)
{
    exchange->stage = stage;
    exchange->waiting.class = class;
    if (sh_http_workers_give(exchange->server->workers, exchange))
        return true;
    exchange->stage = SH_HTTP_IN_IO;
    sh_http_reply_stopping(exchange);
    return false;
}

/* After admission: receives the body, or sends the answer. */
static enum MHD_Result begin_body(sh_http_exchange *exchange)
{
    exchange->admitted = true;
    if (!exchange->replied)
        expect_body(exchange);
    if (!exchange->replied)
        return MHD_YES;
    sh_http_set_phase(exchange->server, exchange->channel, SH_HTTP_REFUSED);
    /* Answering in the first call, before the body, refuses Expect: 100-continue. */
    if (must_discard(exchange))
        return MHD_YES;
    sh_http_body_end_refused(exchange);
    return sh_http_send_reply(exchange);
}

/* Refuses a request that is ambiguous, or that is not a probe but uses a reserved connection. */
static bool is_acceptable(sh_http_exchange *exchange, const sh_http_request_line *line)
{
    const char *why = NULL;
    if (sh_http_is_ambiguous(exchange->connection, line, &why)) {
        sh_http_report(exchange->server, &(sh_http_event){.kind = SH_HTTP_EVENT_AMBIGUOUS,
                                                          .peer = exchange->peer,
                                                          .message = why});
        exchange->last = true;
        sh_http_reply_failure(exchange, MHD_HTTP_BAD_REQUEST, SH_HTTP_CODE_REQUEST, "Bad Request",
                              why);
        return false;
    }
    /*
     * No request may follow a chunked body, since the library accepts spellings of chunks that
     * other parsers interpret differently.
     */
    exchange->last = exchange->channel->reserved ||
                     sh_http_header(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
    return true;
}

/* A reserved connection is for probes only. */
static bool has_place(sh_http_exchange *exchange)
{
    if (!exchange->channel->reserved || exchange->route->probe)
        return true;
    sh_http_reply_failure(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, SH_HTTP_CODE_BUSY,
                          "Service Unavailable",
                          "This server has too many connections: try again later");
    return false;
}

/* After the headers: refuses the request, or prepares for the body. */
static enum MHD_Result begin_request(sh_http_exchange *exchange, const sh_http_request_line *line)
{
    exchange->method = line->method;
    exchange->path = line->path;
    read_peer(exchange);
    read_content_type(exchange);
    if (!is_acceptable(exchange, line))
        return sh_http_send_reply(exchange);
    exchange->route = find_route(exchange, line->method, line->path);
    if (exchange->route != NULL && has_place(exchange) && exchange->route != NULL &&
        exchange->route->admit != NULL)
        exchange->allowed = exchange->route->admit(sh_http_context(exchange), exchange);
    if (exchange->replied || exchange->allowed != SH_HTTP_WAIT)
        return begin_body(exchange);
    exchange->allowed = 0;
    /* The class may depend on the body, which is not complete yet. */
    return give_to_worker(exchange, SH_HTTP_IN_ADMIT, SH_HTTP_NORMAL) ? MHD_YES
                                                                      : begin_body(exchange);
}

/*
 * After the body: calls handle(), or passes the exchange to a worker. False if a worker has it now.
 */
static bool handle_or_give(sh_http_exchange *exchange)
{
    const sh_http_route *route = exchange->route;
    void *context = sh_http_context(exchange);
    sh_http_class class =
        route->classify != NULL ? route->classify(context, exchange) : route->class;
    if (class != SH_HTTP_IMMEDIATE)
        return !give_to_worker(exchange, SH_HTTP_IN_HANDLE, class);
    if (route->handle_each != NULL)
        route->handle_each(context, &exchange, 1);
    else
        route->handle(context, exchange);
    return true;
}

/* Handles the end of the body. */
static enum MHD_Result end_body(sh_http_exchange *exchange)
{
    if (exchange->replied) {
        sh_http_body_end_refused(exchange);
        return sh_http_send_reply(exchange);
    }
    if (exchange->over_limit)
        sh_http_reply_too_large(exchange);
    else if (exchange->over_budget)
        sh_http_reply_failure(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, SH_HTTP_CODE_BUSY,
                              "Service Unavailable",
                              "Too many bodies are being received: try again later");
    else if (!handle_or_give(exchange))
        return MHD_YES;
    sh_http_body_handled(exchange);
    return sh_http_send_reply(exchange);
}

static sh_http_exchange *new_exchange(sh_http_daemon *daemon, struct MHD_Connection *connection)
{
    sh_http_connection *channel = sh_http_channel(connection);
    sh_http_exchange *exchange = channel == NULL ? NULL : calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    sh_http_set_phase(daemon->server, channel, SH_HTTP_ACTIVE);
    exchange->channel = channel;
    exchange->daemon = daemon;
    exchange->server = daemon->server;
    exchange->connection = connection;
    atomic_fetch_add(&daemon->exchanges, 1);
    return exchange;
}

/*
 * Called after the headers, then for each piece of the body, then at its end; and again at the same
 * point after a worker has resumed a suspended connection.
 */
/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd defines the callback's type */
enum MHD_Result sh_http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_len, void **state)
{
    sh_http_exchange *exchange = *state;
    if (exchange == NULL) {
        *state = exchange = new_exchange(cls, connection);
        const sh_http_request_line line = {method, url, version};
        return exchange == NULL ? MHD_NO : begin_request(exchange, &line);
    }
    sh_http_stage stage = exchange->stage;
    exchange->stage = SH_HTTP_IN_IO;
    if (stage == SH_HTTP_IN_ADMIT)
        return begin_body(exchange);
    if (*upload_len == 0)
        return end_body(exchange);
    if (exchange->replied)
        sh_http_body_discard(exchange, upload, *upload_len);
    else
        sh_http_body_take(exchange, upload, *upload_len);
    *upload_len = 0;
    return exchange->discarded > SH_HTTP_DISCARD_MAX ? MHD_NO : MHD_YES;
}

void sh_http_on_completed(void *cls, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)connection;
    (void)code;
    sh_http_exchange *exchange = *state;
    if (exchange == NULL)
        return;
    sh_http_set_phase(exchange->server, exchange->channel, SH_HTTP_IDLE);
    sh_http_body_end_refused(exchange); /* if the body broke off */
    sh_http_body_drop(exchange, 0);
    if (exchange->response != NULL)
        MHD_destroy_response(exchange->response);
    atomic_fetch_sub(&exchange->daemon->exchanges, 1);
    free(exchange);
    *state = NULL;
}
