/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_error.h"

#include "libcommon/json/json_write.h"

sh_err sh_http_error_write(const char *code, const char *error_text, const char *message,
                           sh_buf *ret)
{
    sh_err err = sh_buf_append_text(ret, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "error", error_text);
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "message", message);
    if (err == SH_OK)
        err = sh_buf_append_text(ret, ",\"success\":false");
    if (err == SH_OK && code != NULL)
        err = sh_json_write_member_text(ret, "code", code);
    return err != SH_OK ? err : sh_buf_append_text(ret, "}");
}
