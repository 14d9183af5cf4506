/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TEXT_PRINT_H
#define SH_TEXT_PRINT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"

/* Escapes untrusted text for terminals and logs. */

#define SH_ESCAPE_BYTES 16

/*
 * Reads one character of text, or one byte that is not UTF-8, and sets *used to its length. Writes
 * its NUL-terminated escape (`\x1b`, `\u202e`, `\U000e0041`), or "" if it can be printed as is.
 */
void sh_text_escape_one(const char *text, size_t len, size_t *used, char ret[SH_ESCAPE_BYTES]);

/* Appends text, escaped where necessary. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_text_append_printable(sh_buf *ret, sh_slice text);

#endif
