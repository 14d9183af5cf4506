/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_JSON_WRITE_H
#define SH_JSON_WRITE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"

#include <stdint.h>

/*
 * Writes JSON text into a buffer, value by value; the caller writes the punctuation between them.
 * Strings must be UTF-8; invalid bytes become U+FFFD. SH_E_LIMIT and SH_E_MEMORY as the buffer's.
 */
sh_err sh_json_write_string(sh_buf *out, sh_slice text);
/* The same with all but ASCII as \u escapes, as NetAlertX writes its files. */
sh_err sh_json_write_string_ascii(sh_buf *out, sh_slice text);
sh_err sh_json_write_integer(sh_buf *out, int64_t value);

/* `"key":"text"` and `"key":5`, preceded by a comma unless the last byte opens an object. */
sh_err sh_json_write_member_text(sh_buf *out, const char *key, const char *text);
sh_err sh_json_write_member_integer(sh_buf *out, const char *key, int64_t value);

#endif
