/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_exchange.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/http_error.h"
#include "libcommon/http/http_server_body.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- Queries of handlers ---------------------------------------------------------------------- */

const char *sh_http_method(const sh_http_exchange *exchange)
{
    return exchange->method;
}

const char *sh_http_path(const sh_http_exchange *exchange)
{
    return exchange->path;
}

const char *sh_http_query(const sh_http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

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
    size_t bytes = strlen(value) + 1, at = exchange->header_values_len;
    assert(bytes <= sizeof exchange->header_values - at);
    memcpy(exchange->header_values + at, value, bytes);
    exchange->header_values_len += bytes;
    exchange->headers[exchange->headers_count].name = name;
    exchange->headers[exchange->headers_count].value_at = at;
    exchange->headers_count++;
}

/* Takes over a response, which may be NULL, and gives it its headers. */
static void set_reply(sh_http_exchange *exchange, unsigned status, const char *content_type,
                      struct MHD_Response *response)
{
    assert(!exchange->replied);
    exchange->replied = true;
    exchange->status = status;
    exchange->response = response;
    if (exchange->response == NULL)
        return; /* the connection is closed instead, which peers treat as a failure */
    if (content_type != NULL)
        (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      content_type);
    if (exchange->last)
        (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONNECTION, "close");
    for (size_t i = 0; i < exchange->headers_count; i++)
        (void)MHD_add_response_header(exchange->response, exchange->headers[i].name,
                                      exchange->header_values + exchange->headers[i].value_at);
}

static void make_reply(sh_http_exchange *exchange, unsigned status, const char *content_type,
                       sh_slice body)
{
    void *bytes = body.len == 0 ? (void *)"" : (void *)(uintptr_t)body.data;
    set_reply(exchange, status, content_type,
              MHD_create_response_from_buffer(body.len, bytes, MHD_RESPMEM_MUST_COPY));
}

/* What a response from parts needs until it was sent. */
typedef struct {
    sh_buf body;
    sh_shared_text *shared;
} reply_parts;

static void free_parts(void *context)
{
    reply_parts *parts = context;
    sh_buf_reset(&parts->body);
    sh_shared_text_unref(parts->shared);
    free(parts);
}

static struct MHD_Response *respond_from_parts(reply_parts *parts)
{
    sh_slice shared = sh_shared_text_slice(parts->shared);
    const struct MHD_IoVec vectors[] = {{parts->body.data, parts->body.len},
                                        {shared.data, shared.len}};
    return MHD_create_response_from_iovec(vectors, shared.len > 0 ? 2 : 1, free_parts, parts);
}

void sh_http_reply_shared(sh_http_exchange *exchange, unsigned status, const char *content_type,
                          sh_slice body, sh_shared_text *shared)
{
    assert(body.len > 0 && body.len <= SH_HTTP_SMALL_BODY);
    struct MHD_Response *response = NULL;
    reply_parts *parts = malloc(sizeof *parts);
    if (parts != NULL) {
        *parts = (reply_parts){.body = SH_BUF_INIT(SH_HTTP_SMALL_BODY),
                               .shared = sh_shared_text_ref(shared)};
        if (sh_buf_append(&parts->body, body.data, body.len) == SH_OK)
            response = respond_from_parts(parts);
        if (response == NULL)
            free_parts(parts);
    }
    set_reply(exchange, status, content_type, response);
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

void sh_http_reply_failure(sh_http_exchange *exchange, unsigned status, const char *code,
                           const char *title, const char *message)
{
    if (exchange->server->refuse != NULL) {
        exchange->server->refuse(exchange, status, message);
        return;
    }
    bool json = strcmp(exchange->content_type, "application/json") == 0;
    sh_http_reply_error(exchange, status, code, json ? message : title, message);
}

bool sh_http_reply(sh_http_exchange *exchange, unsigned status, const char *content_type,
                   sh_slice body)
{
    /* A large answer stays in memory until the peer has read it, so it counts like a large body. */
    if (body.len > SH_HTTP_SMALL_BODY) {
        if (!sh_http_claim(exchange, body.len)) {
            exchange->headers_count = 0;
            exchange->header_values_len = 0;
            sh_http_reply_failure(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, SH_HTTP_CODE_BUSY,
                                  "Service Unavailable",
                                  "Too many answers are being read: try again later");
            return false;
        }
        exchange->answer_len = body.len;
    }
    make_reply(exchange, status, content_type, body);
    return true;
}

void sh_http_when_too_large(sh_http_exchange *exchange, const char *remedy)
{
    exchange->remedy = remedy;
}

void sh_http_reply_too_large(sh_http_exchange *exchange)
{
    char message[512];
    const char *remedy = exchange->remedy;
    (void)snprintf(message, sizeof message, "The body is larger than the %zu bytes allowed%s%s",
                   exchange->allowed, remedy == NULL ? "" : ": ", remedy == NULL ? "" : remedy);
    sh_http_reply_failure(exchange, MHD_HTTP_CONTENT_TOO_LARGE, SH_HTTP_CODE_SIZE,
                          "Content Too Large", message);
}

void sh_http_reply_stopping(sh_http_exchange *exchange)
{
    sh_http_reply_failure(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, SH_HTTP_CODE_STOPPING,
                          "Service Unavailable",
                          "This server is about to stop, or short of memory: try again later");
}

enum MHD_Result sh_http_send_reply(sh_http_exchange *exchange)
{
    if (exchange->response == NULL)
        return MHD_NO;
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, exchange->status, exchange->response);
    MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    return result;
}
