/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LITERAL_H
#define SH_LITERAL_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* String literals of Python, and of JSON inside lists: read, never run. */

typedef enum {
    SH_LITERAL_PYTHON, /* an unknown escape stays as it is written */
    SH_LITERAL_JSON,   /* as well, but `\/` is `/` */
} sh_literal_dialect;

/* Whether a string literal begins at text: a quote, behind prefix letters (r, u, b, f) or not. */
bool sh_literal_starts(sh_slice text);

/*
 * Passes over the string literal that begins at text. *used is its length, or, where it is not
 * closed (false), up to where Python would give up: the end of the line, or of the text if
 * the quotes are triple.
 */
bool sh_literal_skip(sh_slice text, size_t *used);

/*
 * Reads the string literal that begins at text, adds its content to *ret and gives its length.
 * SH_E_FORMAT: not closed, a broken escape, a NUL, a bytes or f-string. SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_literal_read(sh_slice text, sh_literal_dialect dialect, sh_buf *ret, size_t *used,
                       sh_error *error);

#endif
