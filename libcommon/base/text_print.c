/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/text_print.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/unicode.h"
#include "libcommon/base/utf8.h"

#include <stdio.h>

void sh_text_escape_one(const char *text, size_t len, size_t *used, char ret[SH_ESCAPE_BYTES])
{
    uint32_t code;
    *used = sh_utf8_next((sh_slice){text, len}, &code);
    ret[0] = '\0';
    if (*used == 0) {
        *used = 1;
        (void)snprintf(ret, SH_ESCAPE_BYTES, "\\x%02x", (unsigned char)text[0]);
    } else if (sh_code_is_hidden(code)) {
        int digits = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
        char kind = code < 0x100 ? 'x' : code < 0x10000 ? 'u' : 'U';
        (void)snprintf(ret, SH_ESCAPE_BYTES, "\\%c%0*x", kind, digits, (unsigned)code);
    }
}

sh_err sh_text_append_printable(sh_buf *ret, sh_slice text)
{
    sh_err err = SH_OK;
    for (size_t at = 0, used; err == SH_OK && at < text.len; at += used) {
        char escape[SH_ESCAPE_BYTES];
        sh_text_escape_one(text.data + at, text.len - at, &used, escape);
        err = escape[0] == '\0' ? sh_buf_append(ret, text.data + at, used)
                                : sh_buf_append_text(ret, escape);
    }
    return err;
}
