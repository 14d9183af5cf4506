/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_credential_transfer.h"

#include "libcommon/base/cleanup.h"
#include "receiver/console/console_access.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/credential_transfer.h"

#include <string.h>

#define IMPORT_PATH "/api/v1/credentials/import"
#define FILE_TYPE "application/octet-stream"

/* --- Export ---------------------------------------------------------------------------------- */

static sh_err append_text(void *context, sh_slice text, sh_error *error)
{
    sh_err err = sh_buf_append(context, text.data, text.len);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "no memory for the credentials");
}

void console_export_credentials(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(CREDENTIAL_TRANSFER_MAX);
    sh_error error = {.code = SH_OK};
    if (credentials_export(request->console->settings, append_text, &text, &error) != SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    sh_http_reply_header(request->exchange, "Content-Disposition",
                         "attachment; filename=\"synchub-credentials.txt\"");
    console_reply_file(request->exchange, FILE_TYPE, (sh_slice){text.data, text.len});
}

/* --- Import ---------------------------------------------------------------------------------- */

bool console_is_import(const sh_http_exchange *exchange)
{
    return strcmp(sh_http_path(exchange), IMPORT_PATH) == 0 &&
           strcmp(sh_http_method(exchange), "POST") == 0;
}

size_t console_admit_import(console_request *request)
{
    if (!sh_http_may_wait(request->exchange))
        return SH_HTTP_WAIT;
    if (!console_access_check_host(request) || !console_access_check_origin(request) ||
        !console_access_identify(request))
        return 0;
    if (request->read_only) {
        console_reply_problem(request->exchange, 403, NULL, "This token may only read");
        return 0;
    }
    return CREDENTIAL_TRANSFER_MAX;
}

static sh_err read_replace(const console_request *request, bool *ret, sh_error *error)
{
    char text[8];
    bool valid = console_request_query(request, "replace", text, sizeof text);
    *ret = valid && strcmp(text, "true") == 0;
    return *ret || (valid && (text[0] == '\0' || strcmp(text, "false") == 0))
               ? SH_OK
               : sh_fail(error, SH_E_FORMAT, "`replace` takes true or false");
}

static sh_err write_done(const credential_imported *done, bool published, sh_buf *json)
{
    return sh_buf_append_format(json, "{\"imported\":%zu,\"kept\":%zu,\"published\":%s}",
                                done->imported, done->kept, published ? "true" : "false");
}

void console_import_credentials(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(SH_KIB);
    credential_import in = {.text = sh_http_body(request->exchange), .source = "the file"};
    credential_imported done = {.stored = false};
    sh_error error = {.code = SH_OK};
    if (strcmp(sh_http_content_type(request->exchange), FILE_TYPE) != 0) {
        console_reply_problem(request->exchange, 415, NULL, "The body must be " FILE_TYPE);
        return;
    }
    sh_err err = read_replace(request, &in.replaces, &error);
    if (err == SH_OK)
        err = credentials_import(request->console->settings, &in, &done, &error);
    if (done.stored && write_done(&done, err == SH_OK, &json) == SH_OK)
        console_reply_secret(request->exchange, 200, (sh_slice){json.data, json.len});
    else
        console_reply_failure(request->exchange, &error);
}
