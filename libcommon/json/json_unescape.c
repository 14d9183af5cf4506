/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/hex.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_scan.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint32_t hex_code(const char *digits)
{
    uint8_t bytes[2] = {0, 0};
    (void)sh_hex_decode((sh_slice){digits, 4}, bytes, 2); /* validated by the scan */
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static sh_err append_character(uint32_t code, sh_buf *ret)
{
    char utf8[SH_UTF8_CHARACTER_BYTES];
    return sh_buf_append(ret, utf8, sh_utf8_encode(code, utf8));
}

/* Appends the character of the \u escape whose 'u' is raw.data[at]; *used is its length from 'u'.
 */
static sh_err unescape_code(sh_slice raw, size_t at, size_t *used, sh_buf *ret)
{
    uint32_t code = hex_code(raw.data + at + 1);
    *used = 5;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (raw.len - at < 11 || raw.data[at + 5] != '\\' || raw.data[at + 6] != 'u')
            return SH_E_FORMAT;
        uint32_t low = hex_code(raw.data + at + 7);
        if (low < 0xdc00 || low > 0xdfff)
            return SH_E_FORMAT;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *used = 11;
    } else if (code == 0 || (code >= 0xdc00 && code <= 0xdfff)) {
        return SH_E_FORMAT;
    }
    return append_character(code, ret);
}

sh_err sh_json_unescape(sh_slice raw, sh_buf *ret)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    size_t at = 0;
    while (at < raw.len) {
        const char *escape = memchr(raw.data + at, '\\', raw.len - at);
        size_t plain = escape == NULL ? raw.len - at : (size_t)(escape - raw.data) - at;
        sh_err err = sh_buf_append(ret, raw.data + at, plain);
        at += plain;
        if (err == SH_OK && escape != NULL) {
            size_t used = 1;
            at++;
            if (raw.data[at] == 'u')
                err = unescape_code(raw, at, &used, ret);
            else
                err = sh_buf_append(ret, values + (strchr(letters, raw.data[at]) - letters), 1);
            at += used;
        }
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}
