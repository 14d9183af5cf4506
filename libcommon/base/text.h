/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TEXT_H
#define SH_TEXT_H

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

#endif
