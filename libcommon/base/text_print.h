/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TEXT_PRINT_H
#define SH_TEXT_PRINT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"

/* What of foreign text may reach a terminal or a log as it is. */

#define SH_ESCAPE_BYTES 16

/*
 * Reads one character of text, or a byte that is none, into *used. Writes how it is printed where
 * it may not be as it is (`\x1b`, `\u202e`, `\U000e0041`), NUL-terminated; "" where it may.
 */
void sh_text_escape_one(const char *text, size_t len, size_t *used, char ret[SH_ESCAPE_BYTES]);

/* Adds text as it may be printed. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_text_append_printable(sh_buf *ret, sh_slice text);

#endif
