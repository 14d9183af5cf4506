/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_FORMAT_H
#define SH_LOG_FORMAT_H

#include "libcommon/config/settings.h"
#include "libcommon/runtime/log_field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The text of a log line, in either format of SYNC_log_format: plain text, or JSON. What does not
 * fit is left out, so that a line is always complete. Belongs to log.c.
 */

#define SH_LOG_LINE_BYTES 16384

typedef struct {
    char data[SH_LOG_LINE_BYTES];
    size_t len;
} sh_log_line;

/* Not thread-safe: log.c calls it with its lock held, at the start of the program. */
void sh_log_format_set(const char *program, sh_log_format format);
bool sh_log_is_json(void);

/* Begins a line with the time, the level (sh_log_level) and the program. */
void sh_log_line_begin(sh_log_line *line, int level);
/* Appends the message, escaped, and truncated with `…` after `most` bytes. */
void sh_log_line_message(sh_log_line *line, const char *message, size_t len, size_t most);
/* Appends a field, its text truncated after `most` bytes. */
void sh_log_line_field(sh_log_line *line, const sh_log_field *f, size_t most);
void sh_log_line_number(sh_log_line *line, const char *name, int64_t number);
/* Appends fields up to the one without a name; NULL: none. */
void sh_log_line_fields(sh_log_line *line, const sh_log_field *fields);

/* Append text as it is. */
void sh_log_line_append(sh_log_line *line, const char *piece, size_t len);
void sh_log_line_text(sh_log_line *line, const char *text);

/* Ends the line. */
void sh_log_line_end(sh_log_line *line);

#endif
