/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/json_write.h"

#include <inttypes.h>

static size_t valid_prefix(const char *text, size_t len)
{
    for (size_t n = 1; n <= 4 && n <= len; n++)
        if (sh_utf8_is_valid(text, n))
            return n;
    return 0;
}

/* Bytes from the start of text that need no escape. */
static size_t plain_run(sh_slice text)
{
    size_t n = 0;
    while (n < text.len) {
        unsigned char c = (unsigned char)text.data[n];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            break;
        if (c >= 0x80) {
            size_t used = valid_prefix(text.data + n, text.len - n);
            if (used == 0)
                break;
            n += used;
        } else {
            n++;
        }
    }
    return n;
}

static sh_err write_escape(sh_buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        return sh_buf_append_text(out, "\\\"");
    case '\\':
        return sh_buf_append_text(out, "\\\\");
    case '\n':
        return sh_buf_append_text(out, "\\n");
    case '\r':
        return sh_buf_append_text(out, "\\r");
    case '\t':
        return sh_buf_append_text(out, "\\t");
    default:
        if (c >= 0x80) /* no UTF-8 */
            return sh_buf_append_text(out, "\\ufffd");
        return sh_buf_append_format(out, "\\u%04x", c);
    }
}

sh_err sh_json_write_string(sh_buf *out, sh_slice text)
{
    sh_err err = sh_buf_append(out, "\"", 1);
    while (err == SH_OK && text.len > 0) {
        size_t n = plain_run(text);
        err = sh_buf_append(out, text.data, n);
        if (err == SH_OK && n < text.len) {
            err = write_escape(out, (unsigned char)text.data[n]);
            n++;
        }
        text.data += n;
        text.len -= n;
    }
    return err != SH_OK ? err : sh_buf_append(out, "\"", 1);
}

sh_err sh_json_write_integer(sh_buf *out, int64_t value)
{
    return sh_buf_append_format(out, "%" PRId64, value);
}

static sh_err write_key(sh_buf *out, const char *key)
{
    sh_err err = SH_OK;
    if (out->len > 0 && out->data[out->len - 1] != '{')
        err = sh_buf_append(out, ",", 1);
    if (err == SH_OK)
        err = sh_json_write_string(out, sh_slice_of(key));
    return err != SH_OK ? err : sh_buf_append(out, ":", 1);
}

sh_err sh_json_write_member_text(sh_buf *out, const char *key, const char *text)
{
    sh_err err = write_key(out, key);
    return err != SH_OK ? err : sh_json_write_string(out, sh_slice_of(text));
}

sh_err sh_json_write_member_integer(sh_buf *out, const char *key, int64_t value)
{
    sh_err err = write_key(out, key);
    return err != SH_OK ? err : sh_json_write_integer(out, value);
}
