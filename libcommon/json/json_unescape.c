/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/hex.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_scan.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Reads the \u escape whose 'u' is raw.data[at]; false if four hex digits do not follow. */
static bool read_code(sh_slice raw, size_t at, uint32_t *ret)
{
    uint8_t bytes[2];
    if (raw.len - at < 5 || !sh_hex_decode((sh_slice){raw.data + at + 1, 4}, bytes, 2))
        return false;
    *ret = (uint32_t)bytes[0] << 8 | bytes[1];
    return true;
}

/* Appends the character of the \u escape whose 'u' is raw.data[at]; *used is its length from 'u'.
 */
static sh_err unescape_code(sh_slice raw, size_t at, size_t *used, sh_buf *ret)
{
    uint32_t code, low;
    if (!read_code(raw, at, &code) || code == 0 || (code >= 0xdc00 && code <= 0xdfff))
        return SH_E_FORMAT;
    *used = 5;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (raw.len - at < 7 || raw.data[at + 5] != '\\' || raw.data[at + 6] != 'u' ||
            !read_code(raw, at + 6, &low) || low < 0xdc00 || low > 0xdfff)
            return SH_E_FORMAT;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *used = 11;
    }
    char utf8[SH_UTF8_CHARACTER_BYTES];
    return sh_buf_append(ret, utf8, sh_utf8_encode(code, utf8));
}

/* Appends the character of the escape at raw.data[at], after the backslash; *used is its length. */
static sh_err unescape_one(sh_slice raw, size_t at, size_t *used, sh_buf *ret)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (at == raw.len)
        return SH_E_FORMAT;
    if (raw.data[at] == 'u')
        return unescape_code(raw, at, used, ret);
    const char *letter = memchr(letters, raw.data[at], sizeof letters - 1);
    if (letter == NULL)
        return SH_E_FORMAT;
    *used = 1;
    return sh_buf_append(ret, values + (letter - letters), 1);
}

sh_err sh_json_unescape(sh_slice raw, sh_buf *ret)
{
    size_t at = 0;
    while (at < raw.len) {
        const char *backslash = memchr(raw.data + at, '\\', raw.len - at);
        size_t plain = backslash == NULL ? raw.len - at : (size_t)(backslash - raw.data) - at;
        sh_err err = sh_buf_append(ret, raw.data + at, plain);
        at += plain;
        if (err == SH_OK && backslash != NULL) {
            size_t used = 0;
            at++;
            err = unescape_one(raw, at, &used, ret);
            at += used;
        }
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}
