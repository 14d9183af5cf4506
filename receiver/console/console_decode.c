/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_decode.h"

#include "libcommon/base/hex.h"
#include "libcommon/base/utf8.h"

#include <string.h>

#define PREFIX "/api/v1/"

bool console_decode(sh_slice text, bool is_query, char *ret, size_t room)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            if (i + 2 >= text.len)
                return false;
            int high = sh_hex_digit(text.data[i + 1]), low = sh_hex_digit(text.data[i + 2]);
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if (len + 1 >= room)
            return false;
        ret[len++] = c;
    }
    ret[len] = '\0';
    return strlen(ret) == len && sh_utf8_is_valid(ret, len) && !sh_utf8_has_control(ret, len);
}

bool console_decode_path(const char *path, char ret[static CONSOLE_PATH_BYTES],
                         const char *parts[static CONSOLE_PARTS_MAX], size_t *count)
{
    *count = 0;
    if (strncmp(path, PREFIX, sizeof PREFIX - 1) != 0)
        return false;
    path += sizeof PREFIX - 1;
    for (;;) {
        size_t len = strcspn(path, "/");
        if (len == 0 || *count == CONSOLE_PARTS_MAX)
            return false;
        if (!console_decode((sh_slice){path, len}, false, ret, CONSOLE_PART_BYTES))
            return false;
        parts[(*count)++] = ret;
        ret += CONSOLE_PART_BYTES;
        if (path[len] == '\0')
            return true;
        path += len + 1;
    }
}

sh_slice console_decode_cookie(const char *header, const char *name_is)
{
    size_t name_len = strlen(name_is);
    while (header != NULL && *header != '\0') {
        size_t len = strcspn(header, ";");
        sh_slice pair = sh_slice_trim((sh_slice){header, len});
        if (pair.len > name_len && memcmp(pair.data, name_is, name_len) == 0)
            return (sh_slice){pair.data + name_len, pair.len - name_len};
        header += len + (header[len] == ';');
    }
    return SH_SLICE("");
}
