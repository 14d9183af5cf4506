/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_H
#define SH_LOG_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Log lines on standard error, for programs only (library code never logs). Time is UTC in RFC 3339
 * format. Text: `2026-08-22T02:53:00.123Z info receiver: merged node=Node_A rows=3`; JSON:
 * {"time":…, "level":…,"program":…,"message":"merged","node":"Node_A","rows":3}. Each line is one
 * write(), by a thread of the log unless standard error is a file, so that callers never wait for
 * the reader. Control and format characters and invalid UTF-8 are escaped. Never pass secrets or
 * payloads. Thread-safe after sh_log_init().
 *
 * Repeated lines are suppressed: of the lines about one subject a few are written within 10 s, then
 * a summary with the number of repetitions. Level debug is not limited.
 */

/* A structured field of a line. */
typedef struct {
    const char *name;
    /*
     * The value unless it is a number. "" is written as `-` in text and omitted in JSON; a field
     * whose text is NULL is omitted in both.
     */
    const char *text;
    int64_t number;
    bool is_number;
    bool subject; /* lines with another value are not repetitions */
} sh_log_field;

#define SH_LOG_SUBJECT(field_name, value)                                                          \
    {                                                                                              \
        .name = (field_name), .text = (value), .subject = true                                     \
    }
#define SH_LOG_TEXT_FIELD(field_name, value)                                                       \
    {                                                                                              \
        .name = (field_name), .text = (value)                                                      \
    }
#define SH_LOG_NUMBER(field_name, value)                                                           \
    {                                                                                              \
        .name = (field_name), .number = (int64_t)(value), .is_number = true                        \
    }

/* Fields that all programs use; a text that is NULL is omitted. */
#define SH_LOG_NODE(value) SH_LOG_SUBJECT("node", value)
#define SH_LOG_PLUGIN(value) SH_LOG_SUBJECT("plugin", value)
#define SH_LOG_PEER(value) SH_LOG_SUBJECT("peer", value)
#define SH_LOG_URL(value) SH_LOG_SUBJECT("url", value)
#define SH_LOG_ENTRY(value) SH_LOG_TEXT_FIELD("entry", value) /* id in the queue, or of an item */
#define SH_LOG_ROWS(value) SH_LOG_NUMBER("rows", value)
#define SH_LOG_BYTES(value) SH_LOG_NUMBER("bytes", value)
#define SH_LOG_REASON(value) SH_LOG_SUBJECT("reason", value) /* last: `: …` in text */

#define SH_LOG_FIELDS(...)                                                                         \
    (const sh_log_field[])                                                                         \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            .name = NULL                                                                           \
        }                                                                                          \
    }

void sh_log_init(const char *program, sh_log_level level, sh_log_format format);

/*
 * Writes queued lines and summaries, for at most ms, before the program ends. False if lines are
 * left.
 */
bool sh_log_flush(int64_t ms);

/* Number of lines lost because standard error was not read, and number of suppressed lines. */
uint64_t sh_log_lines_lost(void);
uint64_t sh_log_lines_held(void);

/* For the macros: file and line of the call; the last field's name is NULL. */
void sh_log_at(const char *file, int line, sh_log_level level, const sh_log_field *fields,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

#define sh_log(level, ...) sh_log_at(__FILE__, __LINE__, (level), NULL, __VA_ARGS__)
#define sh_log_event(level, fields, ...)                                                           \
    sh_log_at(__FILE__, __LINE__, (level), (fields), __VA_ARGS__)

#define sh_log_error(...) sh_log(SH_LOG_ERROR, __VA_ARGS__)
#define sh_log_warning(...) sh_log(SH_LOG_WARNING, __VA_ARGS__)
#define sh_log_info(...) sh_log(SH_LOG_INFO, __VA_ARGS__)
#define sh_log_debug(...) sh_log(SH_LOG_DEBUG, __VA_ARGS__)

#endif
