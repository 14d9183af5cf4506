/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/percent.h"

#include "libcommon/base/hex.h"

#include <stdbool.h>

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
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
