/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/mac.h"

#include "libcommon/base/hex.h"
#include "libcommon/base/utf8.h"

#include <stdint.h>
#include <string.h>

#define MAC_BYTES 6

/* Whether text is six bytes in hex, bare or with one and the same separator throughout. */
static bool read_six_bytes(sh_slice text, uint8_t ret[static MAC_BYTES])
{
    if (text.len == 2 * MAC_BYTES)
        return sh_hex_decode(text, ret, MAC_BYTES);
    if (text.len != 3 * MAC_BYTES - 1)
        return false;
    char separator = text.data[2];
    if (separator != ':' && separator != '-')
        return false;
    for (size_t i = 0; i < MAC_BYTES; i++) {
        sh_slice pair = {text.data + 3 * i, 2};
        if (!sh_hex_decode(pair, ret + i, 1))
            return false;
        if (i > 0 && text.data[3 * i - 1] != separator)
            return false;
    }
    return true;
}

/* Each known device's MAC comes here: printf would take half of what its look-up takes. */
static void write_six_bytes(const uint8_t bytes[static MAC_BYTES], sh_mac *ret)
{
    for (size_t i = 0; i < MAC_BYTES; i++) {
        sh_hex_encode(bytes + i, 1, ret->text + 3 * i); /* its NUL is overwritten */
        ret->text[3 * i + 2] = i + 1 < MAC_BYTES ? ':' : '\0';
    }
    ret->len = 3 * MAC_BYTES - 1;
    ret->number = 0;
    for (size_t i = 0; i < MAC_BYTES; i++)
        ret->number = ret->number << 8 | bytes[i];
    ret->number++;
}

sh_err sh_mac_read(sh_slice text, sh_mac *ret, sh_error *error)
{
    text = sh_slice_trim(text);
    if (text.len == 0)
        return sh_fail(error, SH_E_FORMAT, "devMac is missing");
    uint8_t bytes[MAC_BYTES];
    if (read_six_bytes(text, bytes)) {
        write_six_bytes(bytes, ret);
        return SH_OK;
    }
    if (!sh_utf8_is_valid(text.data, text.len))
        return sh_fail(error, SH_E_FORMAT, "devMac is not UTF-8");
    if (sh_utf8_count(text.data, text.len) > SH_MAC_MAX)
        return sh_fail(error, SH_E_FORMAT, "devMac is longer than %d characters", SH_MAC_MAX);
    if (sh_utf8_has_control(text.data, text.len))
        return sh_fail(error, SH_E_FORMAT, "devMac holds a control character");
    memcpy(ret->text, text.data, text.len);
    ret->text[text.len] = '\0';
    ret->len = text.len;
    ret->number = 0;
    return SH_OK;
}
