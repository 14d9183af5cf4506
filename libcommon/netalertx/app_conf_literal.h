/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_APP_CONF_LITERAL_H
#define SH_APP_CONF_LITERAL_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* String literals of Python, and of JSON inside lists. */

typedef enum {
    SH_LITERAL_PYTHON, /* an unknown escape is kept as written */
    SH_LITERAL_JSON,   /* the same, but `\/` is `/` */
} sh_literal_dialect;

/* Whether text starts with a string literal: optional prefix letters (r, u, b, f) and a quote. */
bool sh_literal_starts(sh_slice text);

/*
 * Skips the string literal at the start of text and sets *used to its length. False if it is
 * unterminated: *used then extends to the end of the line, or of the text for triple quotes.
 */
bool sh_literal_skip(sh_slice text, size_t *used);

/*
 * Decodes the string literal at the start of text, appends its content to *ret and sets *used to
 * its length. SH_E_FORMAT if it is unterminated, a bytes literal or an f-string, or has an invalid
 * escape or a NUL; SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_literal_read(sh_slice text, sh_literal_dialect dialect, sh_buf *ret, size_t *used,
                       sh_error *error);

#endif
