/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HEX_H
#define SH_HEX_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 * len lower-case hex digits and a NUL. */
void sh_hex_encode(const uint8_t *bytes, size_t len, char *ret);

/* Decodes exactly 2 * len hex digits; false for any other text. */
bool sh_hex_decode(sh_slice text, uint8_t *ret, size_t len);

/* For each byte: SH_HEX_VALID and the value of a hex digit (either case), or 0. */
#define SH_HEX_VALID 0x10
extern const uint8_t sh_hex_digits[256];

/* The value of a hex digit (either case), or -1. */
static inline int sh_hex_digit(char c)
{
    uint8_t digit = sh_hex_digits[(uint8_t)c];
    return digit == 0 ? -1 : digit & 0xf;
}

#endif
