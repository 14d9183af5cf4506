/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_JSON_WRITE_H
#define SH_JSON_WRITE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"

#include <stdint.h>

/*
 * Appends JSON values to a buffer; the caller writes the punctuation between them. Invalid UTF-8 in
 * strings becomes U+FFFD. SH_E_LIMIT over the buffer's limit, SH_E_MEMORY.
 */
sh_err sh_json_write_string(sh_buf *out, sh_slice text);
/* Writes non-ASCII characters as \u escapes, as NetAlertX does in its files. */
sh_err sh_json_write_string_ascii(sh_buf *out, sh_slice text);
sh_err sh_json_write_integer(sh_buf *out, int64_t value);

/* `"key":"text"` and `"key":5`, preceded by a comma unless the last byte is '{'. */
sh_err sh_json_write_member_text(sh_buf *out, const char *key, const char *text);
sh_err sh_json_write_member_integer(sh_buf *out, const char *key, int64_t value);

#endif
