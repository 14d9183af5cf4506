/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/app_conf_literal.h"

#include "libcommon/base/hex.h"
#include "libcommon/base/utf8.h"

#include <stdint.h>
#include <string.h>

#define PREFIX_MAX 2 /* `rb` */

/* A literal has a prefix, opening quotes, content and closing quotes. */
typedef struct {
    size_t prefix_len;
    size_t quote_len; /* 1 or 3 */
    char quote;
} literal_shape;

static bool is_prefix_letter(char c)
{
    return c != '\0' && strchr("rRuUbBfF", c) != NULL;
}

static bool shape_read(sh_slice text, literal_shape *ret)
{
    size_t i = 0;
    while (i < PREFIX_MAX && i < text.len && is_prefix_letter(text.data[i]))
        i++;
    if (i >= text.len || (text.data[i] != '\'' && text.data[i] != '"'))
        return false;
    char quote = text.data[i];
    bool triple = text.len - i >= 3 && text.data[i + 1] == quote && text.data[i + 2] == quote;
    *ret = (literal_shape){.prefix_len = i, .quote_len = triple ? 3 : 1, .quote = quote};
    return true;
}

static bool prefix_has(sh_slice text, const literal_shape *shape, char lower)
{
    for (size_t i = 0; i < shape->prefix_len; i++) {
        if ((text.data[i] | 0x20) == lower)
            return true;
    }
    return false;
}

/* Whether text[at] starts the closing quotes. */
static bool closes_at(sh_slice text, const literal_shape *shape, size_t at)
{
    if (text.len - at < shape->quote_len)
        return false;
    for (size_t i = 0; i < shape->quote_len; i++) {
        if (text.data[at + i] != shape->quote)
            return false;
    }
    return true;
}

bool sh_literal_starts(sh_slice text)
{
    literal_shape shape;
    return shape_read(text, &shape);
}

/* A backslash escapes a quote even in raw strings, so the prefix does not matter. */
bool sh_literal_skip(sh_slice text, size_t *used)
{
    literal_shape shape;
    *used = 0;
    if (!shape_read(text, &shape))
        return false;
    size_t i = shape.prefix_len + shape.quote_len;
    while (i < text.len) {
        if (closes_at(text, &shape, i)) {
            *used = i + shape.quote_len;
            return true;
        }
        if (text.data[i] == '\n' && shape.quote_len == 1)
            break;
        if (text.data[i] == '\\' && i + 1 < text.len) {
            i++;
            if (text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
                i++;
        }
        i++;
    }
    *used = i;
    return false;
}

static sh_err add_code_point(uint32_t c, sh_buf *out, sh_error *error)
{
    if (c == 0)
        return sh_fail(error, SH_E_FORMAT, "the string contains a NUL character");
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return sh_fail(error, SH_E_FORMAT, "invalid Unicode code point in an escape");
    char utf8[SH_UTF8_CHARACTER_BYTES];
    return sh_buf_append(out, utf8, sh_utf8_encode(c, utf8));
}

static bool read_hex(sh_slice content, size_t at, size_t digits, uint32_t *ret)
{
    if (content.len < at || content.len - at < digits)
        return false;
    uint32_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = sh_hex_digit(content.data[at + i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
    }
    *ret = value;
    return true;
}

/*
 * Decodes \xHH, \uHHHH or \UHHHHHHHH; content[*at] is the first of `digits` digits. Combines
 * surrogate pairs.
 */
static sh_err add_hex_escape(sh_slice content, size_t *at, size_t digits, sh_buf *out,
                             sh_error *error)
{
    uint32_t c;
    if (!read_hex(content, *at, digits, &c))
        return sh_fail(error, SH_E_FORMAT, "invalid hexadecimal digits in an escape");
    *at += digits;
    uint32_t low;
    if (c >= 0xD800 && c <= 0xDBFF && content.len - *at >= 6 && content.data[*at] == '\\' &&
        content.data[*at + 1] == 'u' && read_hex(content, *at + 2, 4, &low) && low >= 0xDC00 &&
        low <= 0xDFFF) {
        *at += 6;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    return add_code_point(c, out, error);
}

static sh_err add_octal_escape(sh_slice content, size_t *at, sh_buf *out, sh_error *error)
{
    uint32_t c = 0;
    for (size_t i = 0; i < 3 && *at < content.len; i++, (*at)++) {
        char digit = content.data[*at];
        if (digit < '0' || digit > '7')
            break;
        c = c << 3 | (uint32_t)(digit - '0');
    }
    return add_code_point(c, out, error);
}

/* Decodes one escape; *at is after the backslash, and after the escape on return. */
static sh_err add_escape(sh_slice content, size_t *at, sh_literal_dialect dialect, sh_buf *out,
                         sh_error *error)
{
    static const char letters[] = "abfnrtv\\'\"";
    static const char values[] = "\a\b\f\n\r\t\v\\'\"";
    char c = content.data[*at];
    if (c >= '0' && c <= '7')
        return add_octal_escape(content, at, out, error);
    (*at)++;
    switch (c) {
    case 'x':
        return add_hex_escape(content, at, 2, out, error);
    case 'u':
        return add_hex_escape(content, at, 4, out, error);
    case 'U':
        return add_hex_escape(content, at, 8, out, error);
    case 'N':
        return sh_fail(error, SH_E_FORMAT,
                       "\\N, which names a character in Python, is not supported: write the "
                       "character itself or \\u and its four hexadecimal digits, or \\\\N for a "
                       "backslash and an N");
    case '\r':
        if (*at < content.len && content.data[*at] == '\n')
            (*at)++;
        return SH_OK;
    case '\n':
        return SH_OK;
    case '/':
        if (dialect == SH_LITERAL_JSON)
            return sh_buf_append(out, "/", 1);
        break;
    default:
        break;
    }
    const char *known = c == '\0' ? NULL : strchr(letters, c);
    if (known != NULL)
        return sh_buf_append(out, &values[known - letters], 1);
    char as_written[2] = {'\\', c};
    return sh_buf_append(out, as_written, sizeof as_written);
}

static sh_err add_content(sh_slice content, bool raw, sh_literal_dialect dialect, sh_buf *out,
                          sh_error *error)
{
    if (memchr(content.data, '\0', content.len) != NULL)
        return sh_fail(error, SH_E_FORMAT, "the string contains a NUL character");
    if (raw)
        return sh_buf_append(out, content.data, content.len);
    size_t at = 0;
    while (at < content.len) {
        const char *here = content.data + at;
        const char *backslash = memchr(here, '\\', content.len - at);
        size_t plain = backslash == NULL ? content.len - at : (size_t)(backslash - here);
        sh_err err = sh_buf_append(out, here, plain);
        if (err != SH_OK)
            return err;
        at += plain;
        if (at == content.len)
            break;
        at++; /* the backslash; another character follows in a terminated literal */
        err = add_escape(content, &at, dialect, out, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

sh_err sh_literal_read(sh_slice text, sh_literal_dialect dialect, sh_buf *ret, size_t *used,
                       sh_error *error)
{
    literal_shape shape;
    if (!shape_read(text, &shape))
        return sh_fail(error, SH_E_FORMAT, "expected a quoted string");
    if (prefix_has(text, &shape, 'b') || prefix_has(text, &shape, 'f'))
        return sh_fail(error, SH_E_FORMAT, "bytes literals and f-strings are not supported");
    if (!sh_literal_skip(text, used))
        return sh_fail(error, SH_E_FORMAT, "unterminated string");
    size_t begin = shape.prefix_len + shape.quote_len;
    sh_slice content = {.data = text.data + begin, .len = *used - begin - shape.quote_len};
    sh_err err = add_content(content, prefix_has(text, &shape, 'r'), dialect, ret, error);
    if (err == SH_E_LIMIT)
        return sh_fail(error, err, "the string is longer than %zu bytes", ret->limit);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    return err;
}
