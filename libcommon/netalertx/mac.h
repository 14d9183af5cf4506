/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_MAC_H
#define SH_MAC_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The key of a device. Six-byte MACs are normalized to lower case with colons, from any usual
 * notation: pairs of digits separated by ':', '-' or '.'; `0:c:29:1:2:3` without leading zeros (':'
 * or '-'); groups of four or six digits (`aabb.cc00.000f`, `aabb-cc00-000f`, `aabbcc-00000f`); bare
 * hex. Any other value of 1 to SH_MAC_MAX printable characters is trimmed and kept. Keys compare
 * equal ignoring ASCII case.
 */
typedef struct {
    char text[SH_MAC_MAX_BYTES + 1]; /* NUL-terminated UTF-8 */
    size_t len;
    uint64_t number; /* a six-byte MAC as a big-endian number, plus 1; 0 for any other value */
} sh_mac;

/* Parses and normalizes a key. SH_E_FORMAT if it is empty, too long, not UTF-8 or not printable. */
sh_err sh_mac_read(sh_slice text, sh_mac *ret, sh_error *error);

/* The key of a six-byte MAC by its number, as sh_mac_read() sets it. */
void sh_mac_of_number(uint64_t number, sh_mac *ret);

#endif
