/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_reply.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/json/json_write.h"

#include <stdio.h>
#include <string.h>

#define ETAG_BYTES 16
#define PROBLEM_MAX (8 * SH_KIB)

static void add_headers(sh_http_exchange *exchange, const char *cache)
{
    static const struct {
        const char *name, *value;
    } headers[] = {
        {"Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
                                    "form-action 'self'; object-src 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        sh_http_reply_header(exchange, headers[i].name, headers[i].value);
    sh_http_reply_header(exchange, "Cache-Control", cache);
}

/* `"0123…"`: a hash of the body. */
static void write_etag(sh_slice body, char ret[static 2 * ETAG_BYTES + 3])
{
    uint8_t hash[ETAG_BYTES];
    sh_keyed_hash(NULL, body, hash, sizeof hash);
    ret[0] = '"';
    sh_hex_encode(hash, sizeof hash, ret + 1);
    ret[2 * ETAG_BYTES + 1] = '"';
    ret[2 * ETAG_BYTES + 2] = '\0';
}

/* A hash in hex cannot be a part of another one, so the list needs no parsing. */
static bool is_known(const sh_http_exchange *exchange, const char *etag)
{
    const char *known = sh_http_header(exchange, "If-None-Match");
    return known != NULL && strstr(known, etag) != NULL;
}

void console_reply_body(sh_http_exchange *exchange, unsigned status, const char *content_type,
                        sh_slice body)
{
    char etag[2 * ETAG_BYTES + 3];
    write_etag(body, etag);
    add_headers(exchange, "private, no-cache");
    sh_http_reply_header(exchange, "ETag", etag);
    if (status == 200 && is_known(exchange, etag))
        (void)sh_http_reply(exchange, 304, NULL, SH_SLICE(""));
    else
        (void)sh_http_reply(exchange, status, content_type, body);
}

void console_reply_file(sh_http_exchange *exchange, const char *content_type, sh_slice body)
{
    add_headers(exchange, "no-store");
    (void)sh_http_reply(exchange, 200, content_type, body);
}

void console_reply_secret(sh_http_exchange *exchange, unsigned status, sh_slice json)
{
    add_headers(exchange, "no-store");
    (void)sh_http_reply(exchange, status, "application/json", json);
}

void console_reply_empty(sh_http_exchange *exchange, unsigned status)
{
    add_headers(exchange, "no-store");
    (void)sh_http_reply(exchange, status, NULL, SH_SLICE(""));
}

static const char *title_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},         {401, "Unauthorized"},
        {403, "Forbidden"},           {404, "Not Found"},
        {405, "Method Not Allowed"},  {409, "Conflict"},
        {413, "Content Too Large"},   {415, "Unsupported Media Type"},
        {421, "Misdirected Request"}, {422, "Unprocessable Content"},
        {429, "Too Many Requests"},   {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void console_reply_problem(sh_http_exchange *exchange, unsigned status, const char *type,
                           const char *detail)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(PROBLEM_MAX);
    sh_err err = sh_buf_append_text(&json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(&json, "type", type == NULL ? "about:blank" : type);
    if (err == SH_OK)
        err = sh_json_write_member_text(&json, "title", title_of(status));
    if (err == SH_OK)
        err = sh_json_write_member_integer(&json, "status", status);
    if (err == SH_OK)
        err = sh_json_write_member_text(&json, "detail", detail);
    if (err == SH_OK)
        err = sh_buf_append_text(&json, "}");
    if (status == 503)
        sh_http_reply_header(exchange, "Retry-After", "5");
    add_headers(exchange, "no-store");
    /* Without memory for its text, the status remains. */
    (void)sh_http_reply(exchange, status, "application/problem+json",
                        err == SH_OK ? (sh_slice){json.data, json.len} : SH_SLICE("{}"));
}

void console_reply_failure(sh_http_exchange *exchange, const sh_error *error)
{
    unsigned status = 503;
    switch (error->code) {
    case SH_E_NOT_FOUND:
        status = 404;
        break;
    case SH_E_REFUSED:
        status = 409;
        break;
    case SH_E_CONFIG:
    case SH_E_FORMAT:
    case SH_E_LIMIT:
        status = 422;
        break;
    default:
        break;
    }
    console_reply_problem(exchange, status, NULL, error->message);
}

void console_reply_refusal(sh_http_exchange *exchange, unsigned status, const char *message)
{
    console_reply_problem(exchange, status, NULL, message);
}

void console_reply_json(sh_http_exchange *exchange, sh_err err, const sh_buf *json, sh_error *error)
{
    if (err == SH_OK) {
        console_reply_body(exchange, 200, "application/json", (sh_slice){json->data, json->len});
        return;
    }
    (void)sh_fail(error, err, "the hub is short of memory");
    console_reply_failure(exchange, error);
}
