/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_MAC_H
#define SH_MAC_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The key of a device. Six-byte MACs become lower case with colons, from every usual spelling:
 * pairs of digits with ':', '-' or '.' between them, `0:c:29:1:2:3` without leading zeros (':' or
 * '-'), groups of four or six digits (`aabb.cc00.000f`, `aabb-cc00-000f`, `aabbcc-00000f`), bare
 * hex. Any other value of 1 to SH_MAC_MAX printable characters stays as it is, less white space
 * around it. Keys are compared without regard to (ASCII) case.
 */
typedef struct {
    char text[SH_MAC_MAX_BYTES + 1]; /* NUL-terminated UTF-8 */
    size_t len;
    uint64_t number; /* six bytes, the first one highest, and 1 added; 0 for any other value */
} sh_mac;

/* SH_E_FORMAT: empty, too long, not UTF-8, or with characters that do not print. */
sh_err sh_mac_read(sh_slice text, sh_mac *ret, sh_error *error);

#endif
