/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_request.h"

#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"
#include "receiver/console/console_reply.h"

#include <string.h>

#define PREFIX "/api/v1/"

/* Decodes percent-encoding; false if text is too long, malformed, no UTF-8 or has controls. */
static bool decode(sh_slice text, char *ret, size_t room, bool is_query)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            if (i + 2 >= text.len)
                return false;
            int high = sh_hex_digit(text.data[i + 1]), low = sh_hex_digit(text.data[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if (len + 1 >= room)
            return false;
        ret[len++] = c;
    }
    ret[len] = '\0';
    return strlen(ret) == len && sh_utf8_is_valid(ret, len) && !sh_utf8_has_control(ret, len);
}

bool console_request_read_path(console_request *request)
{
    const char *at = sh_http_path(request->exchange);
    char *to = request->path;
    if (strncmp(at, PREFIX, sizeof PREFIX - 1) != 0)
        return false;
    at += sizeof PREFIX - 1;
    for (;;) {
        size_t len = strcspn(at, "/");
        if (len == 0 || request->parts_count == CONSOLE_PARTS_MAX)
            return false;
        if (!decode((sh_slice){at, len}, to, CONSOLE_PART_BYTES, false))
            return false;
        request->parts[request->parts_count++] = to;
        to += CONSOLE_PART_BYTES;
        if (at[len] == '\0')
            return true;
        at += len + 1;
    }
}

bool console_request_read_body(console_request *request, bool optional)
{
    sh_slice body = sh_http_body(request->exchange);
    sh_error error = {.code = SH_OK};
    if (body.len == 0 && optional)
        return true;
    if (strcmp(sh_http_content_type(request->exchange), "application/json") != 0) {
        console_reply_problem(request->exchange, 415, NULL,
                              "The body must be JSON: Content-Type: application/json");
        return false;
    }
    if (sh_json_parse(body.data, body.len, &request->body, &error) != SH_OK) {
        console_reply_problem(request->exchange, 400, NULL, error.message);
        return false;
    }
    if (sh_json_kind_of(request->body) != SH_JSON_OBJECT) {
        console_reply_problem(request->exchange, 422, NULL, "The body must be a JSON object");
        return false;
    }
    return true;
}

bool console_request_query(const console_request *request, const char *name, char *ret, size_t room)
{
    const char *value = sh_http_query(request->exchange, name);
    ret[0] = '\0';
    return value == NULL || decode(sh_slice_of(value), ret, room, true);
}

sh_err console_request_limit(const console_request *request, int64_t *ret, sh_error *error)
{
    char text[16];
    uint64_t number = SH_CONSOLE_PAGE;
    bool valid = console_request_query(request, "limit", text, sizeof text);
    if (valid && text[0] != '\0')
        valid = sh_text_to_u64(sh_slice_of(text), SH_CONSOLE_PAGE_MAX, &number) && number > 0;
    *ret = (int64_t)number;
    return valid ? SH_OK
                 : sh_fail(error, SH_E_FORMAT, "`limit` takes 1 to %d", SH_CONSOLE_PAGE_MAX);
}

bool console_request_changes(const console_request *request)
{
    const char *method = sh_http_method(request->exchange);
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

void console_request_reset(console_request *request)
{
    sh_json_free(request->body);
    request->body = NULL;
}
