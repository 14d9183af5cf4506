/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/http_error.h"
#include "libcommon/http/http_server_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- What a handler asks --------------------------------------------------------------------- */

const char *sh_http_header(const sh_http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

const char *sh_http_content_type(const sh_http_exchange *exchange)
{
    return exchange->content_type;
}

sh_slice sh_http_body(const sh_http_exchange *exchange)
{
    return (sh_slice){exchange->body.data == NULL ? "" : exchange->body.data, exchange->body.len};
}

const char *sh_http_peer(const sh_http_exchange *exchange)
{
    return exchange->peer;
}

sh_slice sh_http_bearer(const sh_http_exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    const char *value = sh_http_header(exchange, MHD_HTTP_HEADER_AUTHORIZATION);
    if (value == NULL || strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return (sh_slice){"", 0};
    return sh_slice_trim(sh_slice_of(value + sizeof scheme - 1));
}

bool sh_http_may_wait(const sh_http_exchange *exchange)
{
    return exchange->stage != SH_HTTP_IN_IO;
}

bool sh_http_is_exclusive(const sh_http_exchange *exchange)
{
    return exchange->waiting.class == SH_HTTP_EXCLUSIVE;
}

/* --- Answers -----------------------------------------------------------------------------------
 */

void sh_http_reply_header(sh_http_exchange *exchange, const char *name, const char *value)
{
    assert(exchange->headers_count < SH_HTTP_REPLY_HEADERS_MAX);
    exchange->headers[exchange->headers_count].name = name;
    (void)snprintf(exchange->headers[exchange->headers_count].value,
                   sizeof exchange->headers[0].value, "%s", value);
    exchange->headers_count++;
}

static void make_reply(sh_http_exchange *exchange, unsigned status, const char *content_type,
                       sh_slice body)
{
    assert(!exchange->replied);
    exchange->replied = true;
    exchange->status = status;
    exchange->response = MHD_create_response_from_buffer(
        body.len, body.len == 0 ? (void *)"" : (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_COPY);
    if (exchange->response == NULL)
        return; /* the connection is closed instead, which a peer takes for a failure */
    if (content_type != NULL)
        (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      content_type);
    if (exchange->last)
        (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONNECTION, "close");
    for (size_t i = 0; i < exchange->headers_count; i++)
        (void)MHD_add_response_header(exchange->response, exchange->headers[i].name,
                                      exchange->headers[i].value);
}

void sh_http_reply_error(sh_http_exchange *exchange, unsigned status, const char *code,
                         const char *error_text, const char *message)
{
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE) {
        char seconds[16];
        (void)snprintf(seconds, sizeof seconds, "%d", SH_HTTP_RETRY_AFTER_S);
        sh_http_reply_header(exchange, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    sh_buf body = SH_BUF_INIT(8 * SH_KIB);
    if (sh_http_error_write(code, error_text, message, &body) != SH_OK)
        sh_buf_clear(&body);
    make_reply(exchange, status, "application/json", (sh_slice){body.data, body.len});
    sh_buf_reset(&body);
}

bool sh_http_reply(sh_http_exchange *exchange, unsigned status, const char *content_type,
                   sh_slice body)
{
    /* A large answer is held until the peer has read it, so it counts as a large body does. */
    if (body.len > SH_HTTP_SMALL_BODY) {
        if (!sh_http_claim(exchange, body.len)) {
            exchange->headers_count = 0;
            sh_http_reply_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, SH_HTTP_CODE_BUSY,
                                "Service Unavailable",
                                "Too many answers are being read: try again later");
            return false;
        }
        exchange->answer_len = body.len;
    }
    make_reply(exchange, status, content_type, body);
    return true;
}

/* Hands the answer to the library. When none could be made the connection is closed. */
static enum MHD_Result send_reply(sh_http_exchange *exchange)
{
    if (exchange->response == NULL)
        return MHD_NO;
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, exchange->status, exchange->response);
    MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    return result;
}

/* --- Bodies --------------------------------------------------------------------------------------
 */

/*
 * Makes the body's memory part of what all bodies together may hold. A few peers with large bodies
 * must not shut out all others, so the last room is for small ones.
 */
static bool charge(sh_http_exchange *exchange, size_t bytes)
{
    sh_http_server *server = exchange->server;
    if (bytes <= exchange->charged)
        return true;
    size_t more = bytes - exchange->charged;
    size_t most = SH_HTTP_BODIES_MAX;
    if (bytes > 4 * SH_HTTP_SMALL_BODY) /* with what it needs besides */
        most -= SH_HTTP_BODIES_RESERVED;
    size_t before = atomic_fetch_add(&server->bodies, more);
    if (before + more > most) {
        atomic_fetch_sub(&server->bodies, more);
        return false;
    }
    exchange->charged = bytes;
    return true;
}

bool sh_http_claim(sh_http_exchange *exchange, size_t bytes)
{
    return charge(exchange, exchange->charged + bytes);
}

/* Frees the body, and gives back all of the budget but `kept`, which an answer still holds. */
static void drop_body(sh_http_exchange *exchange, size_t kept)
{
    assert(kept <= exchange->charged);
    sh_buf_reset(&exchange->body); /* it holds nothing secret: what it carries is encrypted */
    atomic_fetch_sub(&exchange->server->bodies, exchange->charged - kept);
    exchange->charged = kept;
}

/*
 * How large a body's buffer is to be once `len` bytes have come: what was announced, where a fourth
 * of it is there, for nobody holds memory by words alone; else half as much more.
 */
static size_t room_for(const sh_http_exchange *exchange, size_t len)
{
    if (exchange->announced >= len && exchange->announced / 4 <= len)
        return (size_t)exchange->announced;
    size_t half_more = len + len / 2;
    return half_more < exchange->allowed ? half_more : exchange->allowed;
}

/* Keeps a piece of the body, or only notes why it cannot: the answer is given at the body's end. */
static void take_piece(sh_http_exchange *exchange, const char *data, size_t len)
{
    if (exchange->over_limit || exchange->over_budget) {
        exchange->discarded += len;
        return;
    }
    size_t needed = exchange->body.len + len;
    size_t room = needed < exchange->body.cap ? exchange->body.cap - 1 : room_for(exchange, needed);
    if (len > exchange->allowed - exchange->body.len)
        exchange->over_limit = true;
    /* What the buffer grows to is charged before; one byte more is for its NUL. */
    else if (!charge(exchange, room + 1) ||
             sh_buf_reserve_exactly(&exchange->body, room) != SH_OK ||
             sh_buf_append(&exchange->body, data, len) != SH_OK)
        exchange->over_budget = true;
    if (exchange->over_limit || exchange->over_budget)
        drop_body(exchange, 0);
}

/* --- Bodies that were refused -------------------------------------------------------------------
 */

void sh_http_when_refused(sh_http_exchange *exchange, sh_http_refused *refused)
{
    if (exchange->admitted)
        refused(exchange, sh_http_body(exchange), sh_http_body(exchange));
    else
        exchange->refused = refused;
}

static void end_refused(sh_http_exchange *exchange)
{
    static const sh_slice nothing = {"", 0};
    if (exchange->refused != NULL && exchange->kept != NULL)
        exchange->refused(exchange, (sh_slice){exchange->kept->head, exchange->kept->head_len},
                          (sh_slice){exchange->kept->tail, exchange->kept->tail_len});
    else if (exchange->refused != NULL)
        exchange->refused(exchange, nothing, nothing);
    exchange->refused = NULL;
    free(exchange->kept);
    exchange->kept = NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void discard_piece(sh_http_exchange *exchange, const char *data, size_t len)
{
    exchange->discarded += len;
    if (exchange->refused != NULL && exchange->kept == NULL)
        exchange->kept = calloc(1, sizeof *exchange->kept);
    if (exchange->kept == NULL) /* without memory the line comes without what the body says */
        return;
    size_t *head_len = &exchange->kept->head_len, *tail_len = &exchange->kept->tail_len;
    size_t begin = smaller(len, SH_HTTP_REFUSED_HEAD_BYTES - *head_len);
    memcpy(exchange->kept->head + *head_len, data, begin);
    *head_len += begin;
    size_t end = smaller(len, SH_HTTP_REFUSED_TAIL_BYTES);
    size_t stays = smaller(*tail_len, SH_HTTP_REFUSED_TAIL_BYTES - end);
    memmove(exchange->kept->tail, exchange->kept->tail + *tail_len - stays, stays);
    memcpy(exchange->kept->tail + stays, data + len - end, end);
    *tail_len = stays + end;
}

/* --- From the library's callback to the routes
 * ---------------------------------------------------- */

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
    return strcmp(route, method) == 0 || (strcmp(route, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* The route, or an answer that there is none. */
static const sh_http_route *find_route(sh_http_exchange *exchange, const char *method,
                                       const char *path)
{
    const char *other = NULL;
    for (const sh_http_route *r = exchange->server->routes; r->method != NULL; r++) {
        if (strcmp(r->path, path) != 0)
            continue;
        if (method_fits(r->method, method))
            return r;
        other = r->method;
    }
    if (other == NULL) {
        sh_http_reply_error(exchange, MHD_HTTP_NOT_FOUND, SH_HTTP_CODE_PATH, "Not Found",
                            "There is no such path here");
    } else {
        sh_http_reply_header(exchange, MHD_HTTP_HEADER_ALLOW, other);
        sh_http_reply_error(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, SH_HTTP_CODE_METHOD,
                            "Method Not Allowed", "This path takes another method");
    }
    return NULL;
}

static void reply_too_large(sh_http_exchange *exchange)
{
    char message[96];
    (void)snprintf(message, sizeof message, "The body is larger than the %zu bytes allowed",
                   exchange->allowed);
    sh_http_reply_error(exchange, MHD_HTTP_CONTENT_TOO_LARGE, SH_HTTP_CODE_SIZE,
                        "Content Too Large", message);
}

/* What was admitted is prepared for, where it is not more than that. */
static void expect_body(sh_http_exchange *exchange)
{
    exchange->body.limit = exchange->allowed;
    const char *length = sh_http_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length != NULL && (!sh_text_to_u64(sh_slice_of(length), UINT64_MAX, &exchange->announced) ||
                           exchange->announced > exchange->allowed))
        reply_too_large(exchange);
}

/*
 * Whether a refused body must be read to its end before the answer goes out: a peer that sends
 * without asking would otherwise see a reset connection instead of the answer.
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

void sh_http_reply_stopping(sh_http_exchange *exchange)
{
    sh_http_reply_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, SH_HTTP_CODE_STOPPING,
                        "Service Unavailable",
                        "This server is about to stop, or short of memory: try again later");
}

/* Gives the exchange to a worker; where none takes it, it is answered so. */
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

/* Admission is over: the body is to come, or the answer goes out. */
static enum MHD_Result begin_body(sh_http_exchange *exchange)
{
    exchange->admitted = true;
    if (!exchange->replied)
        expect_body(exchange);
    if (!exchange->replied)
        return MHD_YES;
    /* A peer that was refused gets no more time than one that has said nothing yet. */
    sh_http_set_phase(exchange->channel, SH_HTTP_REFUSED, exchange->server->headers_max_ms);
    /* An answer at the first call, before the body, is how Expect: 100-continue is refused. */
    if (must_discard(exchange))
        return MHD_YES;
    end_refused(exchange);
    return send_reply(exchange);
}

/* Refuses a request that is ambiguous, or came over the limits on connections and is no probe. */
static bool is_acceptable(sh_http_exchange *exchange, const sh_http_request_line *line)
{
    const char *why = NULL;
    if (sh_http_is_ambiguous(exchange->connection, line, &why)) {
        sh_http_report(exchange->server, &(sh_http_event){.kind = SH_HTTP_EVENT_AMBIGUOUS,
                                                          .peer = exchange->peer,
                                                          .message = why});
        exchange->last = true;
        sh_http_reply_error(exchange, MHD_HTTP_BAD_REQUEST, SH_HTTP_CODE_REQUEST, "Bad Request",
                            why);
        return false;
    }
    /*
     * Nothing behind a chunked body is read as a request: the library takes chunks in spellings
     * that other parsers may not.
     */
    exchange->last = exchange->channel->reserved ||
                     sh_http_header(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
    return true;
}

/* A connection in a reserved place is for probes. */
static bool has_place(sh_http_exchange *exchange)
{
    if (!exchange->channel->reserved || exchange->route->probe)
        return true;
    sh_http_reply_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, SH_HTTP_CODE_BUSY,
                        "Service Unavailable",
                        "This server has as many connections as it takes: try again later");
    return false;
}

/* The headers are in: refuses, or prepares for the body. */
static enum MHD_Result begin(sh_http_exchange *exchange, const sh_http_request_line *line)
{
    read_peer(exchange);
    if (!is_acceptable(exchange, line))
        return send_reply(exchange);
    read_content_type(exchange);
    exchange->route = find_route(exchange, line->method, line->path);
    if (exchange->route != NULL && has_place(exchange) && exchange->route != NULL &&
        exchange->route->admit != NULL)
        exchange->allowed = exchange->route->admit(exchange->server->context, exchange);
    if (exchange->replied || exchange->allowed != SH_HTTP_WAIT)
        return begin_body(exchange);
    exchange->allowed = 0;
    /* Its body is not there yet, by which it might be of another class. */
    return give_to_worker(exchange, SH_HTTP_IN_ADMIT, SH_HTTP_NORMAL) ? MHD_YES
                                                                      : begin_body(exchange);
}

void sh_http_handled(sh_http_exchange *exchange)
{
    assert(exchange->replied);
    drop_body(exchange, exchange->answer_len);
}

/* The body is in: calls handle(), or lets a worker do it. False where a worker has it now. */
static bool handle_or_give(sh_http_exchange *exchange)
{
    const sh_http_route *route = exchange->route;
    void *context = exchange->server->context;
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

/* The body is in whole. */
static enum MHD_Result end_body(sh_http_exchange *exchange)
{
    if (exchange->replied) {
        end_refused(exchange);
        return send_reply(exchange);
    }
    if (exchange->over_limit)
        reply_too_large(exchange);
    else if (exchange->over_budget)
        sh_http_reply_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, SH_HTTP_CODE_BUSY,
                            "Service Unavailable",
                            "Too many bodies are being received: try again later");
    else if (!handle_or_give(exchange))
        return MHD_YES;
    sh_http_handled(exchange);
    return send_reply(exchange);
}

static sh_http_exchange *new_exchange(sh_http_daemon *daemon, struct MHD_Connection *connection)
{
    sh_http_connection *channel = sh_http_channel(connection);
    sh_http_exchange *exchange = channel == NULL ? NULL : calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    sh_http_set_phase(channel, SH_HTTP_ACTIVE, daemon->server->exchange_max_ms);
    exchange->channel = channel;
    exchange->daemon = daemon;
    exchange->server = daemon->server;
    exchange->connection = connection;
    atomic_fetch_add(&daemon->exchanges, 1);
    return exchange;
}

/* Called first when the headers are in, then for each piece of the body, then at its end; and
   again, wherever it was, after a worker is done with what it suspended. */
enum MHD_Result sh_http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_len, void **state)
{
    sh_http_exchange *exchange = *state;
    if (exchange == NULL) {
        *state = exchange = new_exchange(cls, connection);
        const sh_http_request_line line = {method, url, version};
        return exchange == NULL ? MHD_NO : begin(exchange, &line);
    }
    sh_http_stage stage = exchange->stage;
    exchange->stage = SH_HTTP_IN_IO;
    if (stage == SH_HTTP_IN_ADMIT)
        return begin_body(exchange);
    if (*upload_len == 0)
        return end_body(exchange);
    if (exchange->replied)
        discard_piece(exchange, upload, *upload_len);
    else
        take_piece(exchange, upload, *upload_len);
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
    sh_http_set_phase(exchange->channel, SH_HTTP_IDLE, exchange->server->headers_max_ms);
    end_refused(exchange); /* of a body that broke off */
    drop_body(exchange, 0);
    if (exchange->response != NULL)
        MHD_destroy_response(exchange->response);
    atomic_fetch_sub(&exchange->daemon->exchanges, 1);
    free(exchange);
    *state = NULL;
}

void sh_http_server_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libmicrohttpd %s", MHD_get_version());
}
