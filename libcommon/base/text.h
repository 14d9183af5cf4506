/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TEXT_H
#define SH_TEXT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes, not NUL-terminated. */
typedef struct {
    const char *data;
    size_t len;
} sh_slice;

#define SH_SLICE(literal) ((sh_slice){.data = (literal), .len = sizeof(literal) - 1})

sh_slice sh_slice_of(const char *text);
bool sh_slice_equals(sh_slice a, sh_slice b);
sh_slice sh_slice_trim(sh_slice s); /* without ASCII white space at both ends */

/* ASCII letters alone are folded, whatever the locale. */
bool sh_text_equals_ignoring_case(const char *a, const char *b);
bool sh_slice_equals_ignoring_case(sh_slice a, sh_slice b);

/* What printf would print, as a new C string that the caller frees; NULL: out of memory. */
char *sh_text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads a whole decimal number without sign or space; false when it is none or over max. */
bool sh_text_to_u64(sh_slice text, uint64_t max, uint64_t *ret);

/* Percent-encoding (RFC 3986) of all but unreserved characters, for names in header values. */
sh_err sh_percent_encode(const char *text, sh_buf *ret);
/* SH_E_FORMAT on a broken escape. Adds the decoded bytes to *ret. */
sh_err sh_percent_decode(sh_slice text, sh_buf *ret);

#endif
