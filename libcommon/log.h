/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_H
#define SH_LOG_H

#include "libcommon/error.h"
#include "libcommon/settings.h"

/*
 * Lines on standard error, for services alone (library code never logs). Text:
 * `2026-08-22T02:53:00.123Z info receiver: message`; JSON: {"time":…,"level":…,"program":…,
 * "message":…}. Each line is one write; control characters and invalid UTF-8 in a message are
 * escaped. Never pass secrets or payloads. Thread-safe after sh_log_init().
 */
void sh_log_init(const char *program, sh_log_level level, sh_log_format format);

void sh_log(sh_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define sh_log_error(...) sh_log(SH_LOG_ERROR, __VA_ARGS__)
#define sh_log_warning(...) sh_log(SH_LOG_WARNING, __VA_ARGS__)
#define sh_log_info(...) sh_log(SH_LOG_INFO, __VA_ARGS__)
#define sh_log_debug(...) sh_log(SH_LOG_DEBUG, __VA_ARGS__)

#endif
