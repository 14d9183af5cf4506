/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_H
#define SH_LOG_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/runtime/log_field.h"

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

void sh_log_init(const char *program, sh_log_level level, sh_log_format format);
void sh_log_set_level(sh_log_level level);

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
