/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_UTF8_H
#define SH_UTF8_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UTF-8 as in RFC 3629. */

#define SH_UTF8_CHARACTER_BYTES 4

/* Whether bytes are well-formed UTF-8: no surrogates, nothing overlong. */
bool sh_utf8_is_valid(const char *text, size_t len);

/*
 * Reads the first character of a text that is not empty, and returns its length in bytes; 0 where
 * the bytes are not well-formed UTF-8.
 */
size_t sh_utf8_next(sh_slice text, uint32_t *code);

/* Writes one character that is no surrogate, at most U+10FFFF; returns its length in bytes. */
size_t sh_utf8_encode(uint32_t code, char ret[static SH_UTF8_CHARACTER_BYTES]);

/* Characters in valid UTF-8. */
size_t sh_utf8_count(const char *text, size_t len);

/* Whether valid UTF-8 holds a control character (C0, DEL, C1). */
bool sh_utf8_has_control(const char *text, size_t len);

#endif
