/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_UTF8_H
#define SH_UTF8_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UTF-8 (RFC 3629). */

#define SH_UTF8_CHARACTER_BYTES 4

/* Whether the text is well-formed: no surrogates, no overlong forms. */
bool sh_utf8_is_valid(const char *text, size_t len);

/*
 * Decodes the first character of a non-empty text and returns its length in bytes, or 0 if it is
 * not well-formed.
 */
size_t sh_utf8_next(sh_slice text, uint32_t *code);

/* Encodes a code point up to U+10FFFF that is not a surrogate; returns its length in bytes. */
size_t sh_utf8_encode(uint32_t code, char ret[static SH_UTF8_CHARACTER_BYTES]);

/* The number of characters in valid UTF-8. */
size_t sh_utf8_count(const char *text, size_t len);

/* Whether valid UTF-8 contains a control character (C0, DEL, C1). */
bool sh_utf8_has_control(const char *text, size_t len);

/* Whether text starts with a byte order mark, SH_UTF8_BOM_BYTES long. */
#define SH_UTF8_BOM_BYTES 3
bool sh_utf8_has_bom(const char *text, size_t len);

#endif
