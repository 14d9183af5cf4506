/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/log.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/runtime/log_format.h"
#include "libcommon/runtime/log_limit.h"
#include "libcommon/runtime/log_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 4096       /* bytes before escaping; a longer message is truncated */
#define FIELDS_ROOM 5120       /* reserved in a line for the fields after a long message */
#define SAMPLE_MESSAGE_MAX 160 /* bytes of the message quoted for suppressed lines */
#define SAMPLE_FIELD_MAX 60

static _Atomic int level_max = SH_LOG_INFO;
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint_fast64_t lines_held;

/* --- Lines ----------------------------------------------------------------------------------- */

static void write_line(sh_log_line *line)
{
    sh_log_line_end(line);
    sh_log_writer_put(line->data, line->len);
}

static void write_repeats(const sh_log_repeats *repeats)
{
    sh_log_line line;
    char text[96];
    if (repeats->count == 0)
        return;
    sh_log_line_begin(&line, repeats->level);
    sh_log_line_append(&line, repeats->sample, repeats->sample_len);
    if (sh_log_is_json()) {
        sh_log_line_number(&line, repeats->same ? "repeated" : "similar", (int64_t)repeats->count);
        sh_log_line_number(&line, "seconds", repeats->seconds);
    } else {
        (void)snprintf(text, sizeof text,
                       repeats->same ? ": repeated %" PRIu64 " times in %" PRId64 " s"
                                     : ", and others: %" PRIu64 " more such lines in %" PRId64 " s",
                       repeats->count, repeats->seconds);
        sh_log_line_text(&line, text);
    }
    write_line(&line);
}

/* Writes the summaries that are due; all of them at the end of the program. */
static void write_due(bool all)
{
    sh_log_repeats repeats;
    (void)pthread_mutex_lock(&limit_lock);
    while (sh_log_limit_next(sh_clock_monotonic_ms(), all, &repeats))
        write_repeats(&repeats);
    sh_log_writer_want_ticks(sh_log_limit_is_open());
    (void)pthread_mutex_unlock(&limit_lock);
}

static void on_tick(void)
{
    write_due(false);
}

static size_t format_lost(uint64_t lost, char *ret, size_t ret_bytes)
{
    sh_log_line line;
    char text[160];
    sh_log_line_begin(&line, SH_LOG_WARNING);
    int len = snprintf(text, sizeof text,
                       "%" PRIu64 " log lines were lost: standard error was not read", lost);
    sh_log_line_message(&line, text, (size_t)len, sizeof text);
    sh_log_line_end(&line);
    size_t used = line.len < ret_bytes ? line.len : 0;
    memcpy(ret, line.data, used);
    return used;
}

/* --- Suppressed lines ------------------------------------------------------------------------ */

static sh_log_key key_of(const char *file, int line, sh_log_level level, const sh_log_field *fields,
                         const char *message)
{
    bool is_info = level == SH_LOG_INFO;
    sh_log_key key = {.burst = is_info ? SH_LOG_INFO_BURST : SH_LOG_BURST};
    uint64_t at = sh_log_hash((uint64_t)line, &file, sizeof file);
    key.place = sh_log_hash(at, &level, sizeof level);
    key.subject = sh_log_hash(key.place, message, strlen(message));
    for (const sh_log_field *f = fields; f != NULL && f->name != NULL; f++) {
        if (!f->subject || f->text == NULL)
            continue;
        key.subject = sh_log_hash(key.subject, f->text, strlen(f->text));
        if (!is_info && strcmp(f->name, "peer") == 0)
            key.peer = sh_log_hash(key.place + 1, f->text, strlen(f->text));
    }
    return key;
}

/* Writes the text that represents suppressed lines: the message and its subject. */
static void describe(sh_log_count *count, int level, const sh_log_field *fields,
                     const char *message)
{
    sh_log_line line = {.len = 0};
    sh_log_line_message(&line, message, strlen(message), SAMPLE_MESSAGE_MAX);
    for (const sh_log_field *f = fields; f != NULL && f->name != NULL; f++)
        if (f->subject && line.len + 2 * SAMPLE_FIELD_MAX < SH_LOG_SAMPLE_BYTES)
            sh_log_line_field(&line, f, SAMPLE_FIELD_MAX);
    sh_log_limit_sample(count, level, line.data, line.len);
}

/* Whether to write the line; otherwise counts it. */
static bool admit_line(const sh_log_key *key, int level, const sh_log_field *fields,
                       const char *message)
{
    sh_log_repeats due[SH_LOG_DUE_MAX];
    sh_log_count *sample = NULL;
    (void)pthread_mutex_lock(&limit_lock);
    bool taken = sh_log_limit_take(key, sh_clock_monotonic_ms(), due, &sample);
    if (sample != NULL)
        describe(sample, level, fields, message);
    for (size_t i = 0; i < SH_LOG_DUE_MAX; i++)
        write_repeats(&due[i]);
    if (sample != NULL)
        sh_log_writer_want_ticks(true);
    (void)pthread_mutex_unlock(&limit_lock);
    if (!taken)
        atomic_fetch_add(&lines_held, 1);
    return taken;
}

/* --- For programs ---------------------------------------------------------------------------- */

void sh_log_init(const char *program, sh_log_level level, sh_log_format format)
{
    sh_log_writer_set(on_tick, format_lost);
    (void)pthread_mutex_lock(&limit_lock);
    sh_log_format_set(program, format);
    level_max = (int)level;
    (void)pthread_mutex_unlock(&limit_lock);
}

void sh_log_set_level(sh_log_level level)
{
    level_max = (int)level;
}

bool sh_log_flush(int64_t ms)
{
    write_due(true);
    return sh_log_writer_flush(ms);
}

uint64_t sh_log_lines_lost(void)
{
    return sh_log_writer_lost();
}

uint64_t sh_log_lines_held(void)
{
    return atomic_load(&lines_held);
}

void sh_log_at(const char *file, int line, sh_log_level level, const sh_log_field *fields,
               const char *format, ...)
{
    if ((int)level > level_max)
        return;
    int saved_errno = errno;
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    if (vsnprintf(message, sizeof message, format, args) < 0)
        message[0] = '\0';
    va_end(args);
    const sh_log_key key = key_of(file, line, level, fields, message);
    if (level == SH_LOG_DEBUG || admit_line(&key, (int)level, fields, message)) {
        sh_log_line text;
        sh_log_line_begin(&text, (int)level);
        sh_log_line_message(&text, message, strlen(message), SH_LOG_LINE_BYTES - FIELDS_ROOM);
        sh_log_line_fields(&text, fields);
        write_line(&text);
    }
    errno = saved_errno;
}
