/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/text.h"

#include "libcommon/base/limits.h"
#include "libcommon/native/name_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

sh_slice sh_slice_of(const char *text)
{
    return (sh_slice){.data = text, .len = strlen(text)};
}

bool sh_slice_equals(sh_slice a, sh_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

sh_slice sh_slice_trim(sh_slice s)
{
    while (s.len > 0 && is_space(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool sh_text_equals_ignoring_case(const char *a, const char *b)
{
    while (*a != '\0' && fold(*a) == fold(*b)) {
        a++;
        b++;
    }
    return fold(*a) == fold(*b);
}

/* Reads one character (RFC 3629, table of section 4); 0 bytes where there is none. */
static size_t utf8_next(const uint8_t *s, size_t len, uint32_t *code)
{
    if (s[0] < 0x80) {
        *code = s[0];
        return 1;
    }
    size_t need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len < need)
        return 0;
    uint32_t value = s[0] & (0x7fU >> need);
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3fU);
    }
    bool overlong = (need == 3 && value < 0x800) || (need == 4 && value < 0x10000);
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (overlong || surrogate || value > 0x10ffff)
        return 0;
    *code = value;
    return need;
}

size_t sh_utf8_next(sh_slice text, uint32_t *code)
{
    return utf8_next((const uint8_t *)text.data, text.len, code);
}

bool sh_utf8_is_valid(const char *text, size_t len)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t at = 0;
    while (at < len) {
        uint64_t eight;
        if (len - at >= sizeof eight) { /* most text is ASCII */
            memcpy(&eight, s + at, sizeof eight);
            if ((eight & 0x8080808080808080U) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        uint32_t code;
        size_t used = utf8_next(s + at, len - at, &code);
        if (used == 0)
            return false;
        at += used;
    }
    return true;
}

size_t sh_utf8_count(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((uint8_t)text[i] & 0xc0) != 0x80;
    return count;
}

bool sh_utf8_has_control(const char *text, size_t len)
{
    const uint8_t *s = (const uint8_t *)text;
    for (size_t i = 0; i < len; i++) {
        bool c1 = s[i] == 0xc2 && i + 1 < len && s[i + 1] < 0xa0;
        if (s[i] < 0x20 || s[i] == 0x7f || c1)
            return true;
    }
    return false;
}

char *sh_text_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return len < 0 ? NULL : text; /* after a failure the pointer is not defined */
}

bool sh_text_to_u64(sh_slice text, uint64_t max, uint64_t *ret)
{
    if (text.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *ret = value;
    return true;
}

void sh_hex_encode(const uint8_t *bytes, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = fold(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sh_hex_decode(sh_slice text, uint8_t *ret, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_unreserved(char c)
{
    char f = fold(c);
    return (f >= 'a' && f <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

sh_err sh_percent_encode(const char *text, sh_buf *ret)
{
    for (const char *c = text; *c != '\0'; c++) {
        sh_err err = is_unreserved(*c) ? sh_buf_append(ret, c, 1)
                                       : sh_buf_append_format(ret, "%%%02X", (unsigned)(uint8_t)*c);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

sh_err sh_percent_decode(sh_slice text, sh_buf *ret)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.data[i];
        if (byte == '%') {
            sh_slice digits = {text.data + i + 1, 2};
            if (text.len - i < 3 || !sh_hex_decode(digits, &byte, 1))
                return SH_E_FORMAT;
            i += 2;
        }
        sh_err err = sh_buf_append(ret, &byte, 1);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

/* Whether one character of a name, of which it is the first or last one at an end, may be there. */
static sh_err check_character(uint32_t code, bool first, bool last, sh_error *error)
{
    if ((first || last) && sh_code_is_space(code))
        return sh_fail(error, SH_E_FORMAT, "the node name %s with white space (U+%04X)",
                       first ? "begins" : "ends", (unsigned)code);
    if (sh_code_is_hidden(code) || (first && sh_code_is_selector(code)))
        return sh_fail(error, SH_E_FORMAT,
                       "the node name holds U+%04X, a character that does not show",
                       (unsigned)code);
    if (code == '/' || code == '\\')
        return sh_fail(error, SH_E_FORMAT, "the node name holds '/' or '\\'");
    return SH_OK;
}

sh_err sh_node_name_check(sh_slice name, sh_error *error)
{
    if (name.len == 0)
        return sh_fail(error, SH_E_FORMAT, "the node name is empty");
    if (name.len > SH_NODE_NAME_MAX)
        return sh_fail(error, SH_E_FORMAT, "the node name is longer than %d bytes",
                       SH_NODE_NAME_MAX);
    if (!sh_utf8_is_valid(name.data, name.len))
        return sh_fail(error, SH_E_FORMAT, "the node name is not UTF-8");
    size_t characters = sh_utf8_count(name.data, name.len);
    if (characters > SH_NODE_NAME_CHARACTERS_MAX)
        return sh_fail(error, SH_E_FORMAT, "the node name has %zu characters, more than %d",
                       characters, SH_NODE_NAME_CHARACTERS_MAX);
    for (size_t at = 0; at < name.len;) {
        uint32_t code = 0;
        size_t begin = at;
        at += sh_utf8_next((sh_slice){name.data + at, name.len - at}, &code);
        sh_err err = check_character(code, begin == 0, at == name.len, error);
        if (err != SH_OK)
            return err;
    }
    if (sh_slice_equals(name, SH_SLICE(".")) || sh_slice_equals(name, SH_SLICE("..")))
        return sh_fail(error, SH_E_FORMAT, "the node name is \".\" or \"..\"");
    return SH_OK;
}

sh_err sh_plugin_name_check(sh_slice name, sh_error *error)
{
    bool good = name.len > 0 && name.len <= SH_PLUGIN_NAME_MAX;
    for (size_t i = 0; good && i < name.len; i++) {
        char f = fold(name.data[i]);
        good = (f >= 'a' && f <= 'z') || (f >= '0' && f <= '9') || f == '_';
    }
    if (!good)
        return sh_fail(error, SH_E_FORMAT,
                       "the plugin name is not 1 to %d of the characters A-Z, a-z, 0-9, _",
                       SH_PLUGIN_NAME_MAX);
    if (name.len == 4 && fold(name.data[0]) == 's' && fold(name.data[1]) == 'y' &&
        fold(name.data[2]) == 'n' && fold(name.data[3]) == 'c')
        return sh_fail(error, SH_E_FORMAT,
                       "the plugin name is SYNC, which stands for the device table");
    return SH_OK;
}
