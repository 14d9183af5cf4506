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
sh_slice sh_slice_trim(sh_slice s); /* removes ASCII white space from both ends */

/* Fold ASCII letters only, in any locale. */
bool sh_text_equals_ignoring_case(const char *a, const char *b);
bool sh_slice_equals_ignoring_case(sh_slice a, sh_slice b);

/* printf into a new C string, which the caller frees. NULL if out of memory. */
char *sh_text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Parses an unsigned decimal number, digits only; false if text is not one or exceeds max. */
bool sh_text_to_u64(sh_slice text, uint64_t max, uint64_t *ret);

#endif
