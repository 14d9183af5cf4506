/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/mac.h"

#include "libcommon/base/hex.h"
#include "libcommon/base/utf8.h"

#include <stdint.h>
#include <string.h>

#define MAC_BYTES 6

#define TEXT_BYTES (3 * MAC_BYTES - 1)

/*
 * Parses pairs of digits with the same separator between them. The usual spelling, so without a
 * branch for each digit.
 */
static bool read_pairs(sh_slice text, uint8_t ret[static MAC_BYTES])
{
    if (text.len != TEXT_BYTES)
        return false;
    char separator = text.data[2];
    unsigned valid = separator == ':' || separator == '-' || separator == '.' ? SH_HEX_VALID : 0;
    for (size_t i = 0; i < MAC_BYTES; i++) {
        uint8_t high = sh_hex_digits[(uint8_t)text.data[3 * i]];
        uint8_t low = sh_hex_digits[(uint8_t)text.data[3 * i + 1]];
        valid &= high & low;
        ret[i] = (uint8_t)(high << 4 | (low & 0xf));
    }
    for (size_t at = 2; at < TEXT_BYTES; at += 3)
        valid &= text.data[at] == separator ? SH_HEX_VALID : 0;
    return valid != 0;
}

/* Parses octets without leading zeros, `0:c:29:1:2:3`. Not with '.': that would be an OID. */
static bool read_short_octets(sh_slice text, uint8_t ret[static MAC_BYTES])
{
    char separator = '\0';
    size_t octet = 0, digits = 0;
    unsigned value = 0;
    for (size_t i = 0; i <= text.len; i++) {
        int digit = i < text.len ? sh_hex_digit(text.data[i]) : -1;
        if (digit >= 0) {
            value = value << 4 | (unsigned)digit;
            if (++digits > 2)
                return false;
            continue;
        }
        if (digits == 0 || octet == MAC_BYTES)
            return false;
        ret[octet++] = (uint8_t)value;
        value = 0;
        digits = 0;
        if (i == text.len)
            break;
        if (separator == '\0' && (text.data[i] == ':' || text.data[i] == '-'))
            separator = text.data[i];
        if (text.data[i] != separator)
            return false;
    }
    return octet == MAC_BYTES;
}

/* Parses bare hex, or groups of four (Cisco, Huawei) or six (HP) digits. */
static bool read_groups(sh_slice text, uint8_t ret[static MAC_BYTES])
{
    size_t group = text.len == 2 * MAC_BYTES       ? 2 * MAC_BYTES
                   : text.len == 2 * MAC_BYTES + 2 ? 4
                   : text.len == 2 * MAC_BYTES + 1 ? 6
                                                   : 0;
    if (group == 0)
        return false;
    char hex[2 * MAC_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (i % (group + 1) != group)
            hex[len++] = text.data[i];
        else if (text.data[i] != text.data[group] || strchr(":-.", text.data[i]) == NULL)
            return false;
    }
    return sh_hex_decode((sh_slice){hex, sizeof hex}, ret, MAC_BYTES);
}

/* Parses a six-byte MAC in any of the usual notations. */
static bool read_six_bytes(sh_slice text, uint8_t ret[static MAC_BYTES])
{
    return read_pairs(text, ret) || read_groups(text, ret) || read_short_octets(text, ret);
}

/* On the hot path of a merge, so without printf, which would take half as long as the look-up. */
static void write_six_bytes(const uint8_t bytes[static MAC_BYTES], sh_mac *ret)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number = 0;
    for (size_t i = 0; i < MAC_BYTES; i++) {
        ret->text[3 * i] = digits[bytes[i] >> 4];
        ret->text[3 * i + 1] = digits[bytes[i] & 0xf];
        ret->text[3 * i + 2] = ':';
        number = number << 8 | bytes[i];
    }
    ret->text[TEXT_BYTES] = '\0';
    ret->len = TEXT_BYTES;
    ret->number = number + 1;
}

void sh_mac_of_number(uint64_t number, sh_mac *ret)
{
    uint8_t bytes[MAC_BYTES];
    for (size_t i = 0; i < MAC_BYTES; i++)
        bytes[i] = (uint8_t)((number - 1) >> 8 * (MAC_BYTES - 1 - i));
    write_six_bytes(bytes, ret);
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
        return sh_fail(error, SH_E_FORMAT, "devMac contains a control character");
    memcpy(ret->text, text.data, text.len);
    ret->text[text.len] = '\0';
    ret->len = text.len;
    ret->number = 0;
    return SH_OK;
}
