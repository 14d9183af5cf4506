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

/* Whether bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool sh_utf8_is_valid(const char *text, size_t len);

/*
 * Reads the first character of a text that is not empty, and gives its bytes; 0 where they are no
 * well-formed UTF-8.
 */
size_t sh_utf8_next(sh_slice text, uint32_t *code);

/* Characters in valid UTF-8. */
size_t sh_utf8_count(const char *text, size_t len);

/* Whether valid UTF-8 holds a control character (C0, DEL, C1). */
bool sh_utf8_has_control(const char *text, size_t len);

/* What printf would print, as a new C string that the caller frees; NULL: out of memory. */
char *sh_text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads a whole decimal number without sign or space; false when it is none or over max. */
bool sh_text_to_u64(sh_slice text, uint64_t max, uint64_t *ret);

/* Writes 2 * len lower-case hex digits and a NUL. */
void sh_hex_encode(const uint8_t *bytes, size_t len, char *ret);

/* Reads exactly 2 * len hex digits; false on anything else. */
bool sh_hex_decode(sh_slice text, uint8_t *ret, size_t len);

/* Percent-encoding (RFC 3986) of all but unreserved characters, for names in header values. */
sh_err sh_percent_encode(const char *text, sh_buf *ret);
/* SH_E_FORMAT on a broken escape. Adds the decoded bytes to *ret. */
sh_err sh_percent_decode(sh_slice text, sh_buf *ret);

/*
 * Node names are 1 to SH_NODE_NAME_CHARACTERS_MAX characters of UTF-8, at most SH_NODE_NAME_MAX
 * bytes, without '/', '\\' and characters that do not show (name.h), without white space at their
 * ends, and not "." or ".."; plugin names are [A-Za-z0-9_]{1,64}, and not SYNC in any case, which
 * stands for the device table. SH_E_FORMAT says which rule is broken.
 */
sh_err sh_node_name_check(sh_slice name, sh_error *error);
sh_err sh_plugin_name_check(sh_slice name, sh_error *error);

#endif
