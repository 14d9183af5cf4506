/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"

#include <string.h>

/* Decodes one character (RFC 3629, section 4); returns 0 if it is not well-formed. */
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
        if (len - at >= sizeof eight) { /* fast path for ASCII */
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

bool sh_utf8_has_bom(const char *text, size_t len)
{
    return len >= SH_UTF8_BOM_BYTES && memcmp(text, "\xef\xbb\xbf", SH_UTF8_BOM_BYTES) == 0;
}

size_t sh_utf8_encode(uint32_t code, char ret[static SH_UTF8_CHARACTER_BYTES])
{
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        ret[i] = (char)(0x80 | (code & 0x3f));
    ret[0] = (char)(leads[len - 1] | code);
    return len;
}
