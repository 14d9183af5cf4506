/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_request.h"

#include "libcommon/base/limits.h"
#include "receiver/console/console_decode.h"
#include "receiver/console/console_reply.h"

#include <string.h>

bool console_request_read_path(console_request *request)
{
    return console_decode_path(sh_http_path(request->exchange), request->path, request->parts,
                               &request->parts_count);
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
    return value == NULL || console_decode(sh_slice_of(value), true, ret, room);
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
