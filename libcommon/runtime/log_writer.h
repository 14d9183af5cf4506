/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_WRITER_H
#define SH_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes lines to standard error from a thread of its own, so that a reader that stopped reading
 * (a full pipe, a stopped terminal) blocks nobody else. For log.c alone.
 */

/* Queues a whole line, at most SH_LOG_QUEUE_MAX bytes. Never blocks: a line without room is lost,
   and reported as soon as there is room again. Thread-safe. */
void sh_log_writer_put(const char *line, size_t len);

/* Lines lost until now. */
uint64_t sh_log_writer_lost(void);

/*
 * Before the first line: tick is called from the thread once a second while ticks are wanted;
 * format_lost writes the line that says how many were lost, and returns its length.
 */
void sh_log_writer_set(void (*tick)(void),
                       size_t (*format_lost)(uint64_t lost, char *ret, size_t ret_bytes));
/* Whether ticks are wanted; may be called with any lock but the writer's own. */
void sh_log_writer_want_ticks(bool wanted);

/* Waits until all queued lines are written, at most ms; false where they are not. */
bool sh_log_writer_flush(int64_t ms);

#endif
