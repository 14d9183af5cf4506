/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_DECODE_H
#define RECEIVER_CONSOLE_DECODE_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* What a client writes in a URL and in the header Cookie. Pure. */

#define CONSOLE_PARTS_MAX 4
#define CONSOLE_PART_BYTES 802 /* 200 bytes of a name in UTF-8, percent-encoded, and a NUL */
#define CONSOLE_PATH_BYTES (CONSOLE_PARTS_MAX * CONSOLE_PART_BYTES)

/*
 * Decodes percent-encoding (RFC 3986, 2.1), and in a query `+` as a space. False for malformed
 * encoding, for a text that does not fit into `room` bytes with its NUL, for control characters and
 * for bytes that are not UTF-8; ret is undefined then.
 */
bool console_decode(sh_slice text, bool is_query, char *ret, size_t room);

/*
 * Splits a path after /api/v1/ into its decoded parts, which point into ret. False for another
 * prefix, for no, empty or too many parts, and for what console_decode refuses.
 */
bool console_decode_path(const char *path, char ret[static CONSOLE_PATH_BYTES],
                         const char *parts[static CONSOLE_PARTS_MAX], size_t *count);

/*
 * The value of a cookie, whose name is given with its `=`, in the header Cookie (RFC 6265, 4.2);
 * empty: it is not there.
 */
sh_slice console_decode_cookie(const char *header, const char *name_is);

#endif
