/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/mac.h"

#include <stdint.h>
#include <stdio.h>
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

sh_err sh_mac_read(sh_slice text, sh_mac *ret, sh_error *error)
{
    text = sh_slice_trim(text);
    if (text.len == 0)
        return sh_fail(error, SH_E_FORMAT, "devMac is missing");
    uint8_t bytes[MAC_BYTES];
    if (read_six_bytes(text, bytes)) {
        (void)snprintf(ret->text, sizeof ret->text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0],
                       bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
        ret->len = 3 * MAC_BYTES - 1;
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
    return SH_OK;
}
