/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_WRITER_H
#define SH_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes lines to standard error in a thread of its own, so that a reader that stopped reading (a
 * full pipe, a stopped terminal) does not block the program. For log.c only.
 */

/*
 * Queues a complete line of at most SH_LOG_QUEUE_MAX bytes. Never blocks: a line that does not fit
 * is lost, which is reported as soon as there is room again. Thread-safe.
 */
void sh_log_writer_put(const char *line, size_t len);

/* Number of lines lost. */
uint64_t sh_log_writer_lost(void);

/*
 * Call it before the first line. The thread calls tick once a second while ticks are enabled.
 * format_lost writes the line that reports lost lines and returns its length.
 */
void sh_log_writer_set(void (*tick)(void),
                       size_t (*format_lost)(uint64_t lost, char *ret, size_t ret_bytes));
/* Enables or disables ticks. May be called with any lock held except the writer's. */
void sh_log_writer_want_ticks(bool wanted);

/* Waits until all queued lines are written, at most ms; false if some are left. */
bool sh_log_writer_flush(int64_t ms);

#endif
