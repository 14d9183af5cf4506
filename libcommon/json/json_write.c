/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/json/json_write.h"

#include "libcommon/base/utf8.h"

#include <inttypes.h>

/* The length of the valid UTF-8 character at the start of text, or 0. */
static size_t character_len(const char *text, size_t len)
{
    for (size_t n = 1; n <= 4 && n <= len; n++)
        if (sh_utf8_is_valid(text, n))
            return n;
    return 0;
}

/* The number of leading bytes that need no escape. */
static size_t plain_len(sh_slice text)
{
    size_t n = 0;
    while (n < text.len) {
        unsigned char c = (unsigned char)text.data[n];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            break;
        if (c >= 0x80) {
            size_t used = character_len(text.data + n, text.len - n);
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
        if (c >= 0x80) /* invalid UTF-8 */
            return sh_buf_append_text(out, "\\ufffd");
        return sh_buf_append_format(out, "\\u%04x", c);
    }
}

sh_err sh_json_write_string(sh_buf *out, sh_slice text)
{
    sh_err err = sh_buf_append(out, "\"", 1);
    while (err == SH_OK && text.len > 0) {
        size_t n = plain_len(text);
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

/* The code point of one character of valid UTF-8. */
static uint32_t code_point(const char *text, size_t len)
{
    static const uint8_t first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (uint8_t)text[0] & first_bits[len];
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((uint8_t)text[i] & 0x3fU);
    return code;
}

/* Writes one non-ASCII character or one byte of invalid UTF-8, of *used bytes, as \u escapes. */
static sh_err write_unicode_escape(sh_buf *out, sh_slice text, size_t *used)
{
    *used = character_len(text.data, text.len);
    uint32_t code = *used == 0 ? 0xfffd : code_point(text.data, *used);
    if (*used == 0)
        *used = 1;
    if (code < 0x10000)
        return sh_buf_append_format(out, "\\u%04x", (unsigned)code);
    code -= 0x10000;
    return sh_buf_append_format(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + (code >> 10)),
                                (unsigned)(0xdc00 + (code & 0x3ff)));
}

static bool is_plain_ascii(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* The number of leading ASCII bytes that need no escape. */
static size_t plain_ascii_len(sh_slice text)
{
    size_t n = 0;
    while (n < text.len && is_plain_ascii((unsigned char)text.data[n]))
        n++;
    return n;
}

sh_err sh_json_write_string_ascii(sh_buf *out, sh_slice text)
{
    sh_err err = sh_buf_append(out, "\"", 1);
    while (err == SH_OK && text.len > 0) {
        size_t n = plain_ascii_len(text);
        if (n > 0) {
            err = sh_buf_append(out, text.data, n);
        } else if ((unsigned char)text.data[0] >= 0x80) {
            err = write_unicode_escape(out, text, &n);
        } else {
            err = write_escape(out, (unsigned char)text.data[0]);
            n = 1;
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
