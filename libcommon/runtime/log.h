/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_H
#define SH_LOG_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Lines on standard error, for services alone (library code never logs). Time is UTC, as RFC 3339.
 * Text: `2026-08-22T02:53:00.123Z info receiver: merged node=Node_A rows=3`; JSON: {"time":…,
 * "level":…,"program":…,"message":"merged","node":"Node_A","rows":3}. Each line is one write, to
 * all but files from a thread of the log's own: nobody waits for who reads it. Control and format
 * characters and invalid UTF-8 are escaped. Never pass secrets or payloads. Thread-safe after
 * sh_log_init().
 *
 * Lines that repeat are summed up: within 10 s a few about one subject are written, and then how
 * often they were repeated. Level debug is not limited.
 */

/* What a line is about, besides its words. */
typedef struct {
    const char *name;
    /* Of a field that is no number. "" is written as `-` in text, and left out in JSON; a field
       whose text is NULL is left out in both. */
    const char *text;
    int64_t number;
    bool is_number;
    bool subject; /* lines about another one are no repetition */
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

/* The names that all programs use; text that is NULL is left out. */
#define SH_LOG_NODE(value) SH_LOG_SUBJECT("node", value)
#define SH_LOG_PLUGIN(value) SH_LOG_SUBJECT("plugin", value)
#define SH_LOG_PEER(value) SH_LOG_SUBJECT("peer", value)
#define SH_LOG_URL(value) SH_LOG_SUBJECT("url", value)
#define SH_LOG_ENTRY(value) SH_LOG_TEXT_FIELD("entry", value) /* of the queue, or an item's id */
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

/* Writes what is still queued and summed up, for at most ms: before the program ends. False where
   lines are left. */
bool sh_log_flush(int64_t ms);

/* Lines that were lost because standard error was not read, and those that were summed up. */
uint64_t sh_log_lines_lost(void);
uint64_t sh_log_lines_held(void);

/* For the macros: file and line say where the call is, fields ends with a name of NULL. */
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
