/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/log.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text_print.h"
#include "libcommon/base/unicode.h"
#include "libcommon/base/utf8.h"
#include "libcommon/runtime/log_limit.h"
#include "libcommon/runtime/log_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MESSAGE_MAX 4096 /* bytes before escaping; a longer message is truncated */
#define LINE_MAX_BYTES 16384
#define FIELDS_ROOM 5120 /* reserved in a line for the fields after a long message */
#define FIELD_MAX 1024   /* bytes of a field's text, escaped */
#define FIELD_ROOM (FIELD_MAX + 64)
#define LINE_TAIL_BYTES 8      /* reserved for the end of a line */
#define SAMPLE_MESSAGE_MAX 160 /* bytes of the message quoted for suppressed lines */
#define SAMPLE_FIELD_MAX 60

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static char program_name[32] = "synchub";
static _Atomic int level_max = SH_LOG_INFO;
static _Atomic int line_format = SH_LOG_TEXT;
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint_fast64_t lines_held;

typedef struct {
    char data[LINE_MAX_BYTES];
    size_t len;
} line_buf;

typedef enum { IN_TEXT, IN_QUOTES, IN_JSON } put_style;

/* --- Parts of a line ------------------------------------------------------------------------- */

static bool is_json(void)
{
    return line_format == SH_LOG_JSON;
}

static size_t room(const line_buf *line)
{
    return sizeof line->data - LINE_TAIL_BYTES - line->len;
}

/* Appends text; the caller has checked that there is room. */
static void line_append(line_buf *line, const char *piece, size_t len)
{
    if (len > room(line))
        return;
    memcpy(line->data + line->len, piece, len);
    line->len += len;
}

static void put_text(line_buf *line, const char *text)
{
    line_append(line, text, strlen(text));
}

/* Writes a character's escape sequence in JSON; "" if it needs none. */
static void escape_json(const char *at, size_t len, size_t *used, char ret[SH_ESCAPE_BYTES])
{
    uint32_t code;
    *used = sh_utf8_next((sh_slice){at, len}, &code);
    ret[0] = '\0';
    if (*used == 0) {
        *used = 1;
        (void)snprintf(ret, SH_ESCAPE_BYTES, "\\ufffd");
    } else if (code == '"' || code == '\\') {
        (void)snprintf(ret, SH_ESCAPE_BYTES, "\\%c", (char)code);
    } else if (sh_code_is_hidden(code) && code >= 0x10000) {
        (void)snprintf(ret, SH_ESCAPE_BYTES, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10),
                       0xdc00 + (code & 0x3ff));
    } else if (sh_code_is_hidden(code)) {
        (void)snprintf(ret, SH_ESCAPE_BYTES, "\\u%04x", (unsigned)code);
    }
}

/* Appends text, escaped for the style and truncated with `…` after `most` bytes. */
static void put_escaped(line_buf *line, const char *text, size_t len, put_style style, size_t most)
{
    size_t end = line->len + most;
    for (size_t at = 0, used; at < len; at += used) {
        char escape[SH_ESCAPE_BYTES];
        if (style == IN_JSON)
            escape_json(text + at, len - at, &used, escape);
        else
            sh_text_escape_one(text + at, len - at, &used, escape);
        if (style == IN_QUOTES && (text[at] == '"' || text[at] == '\\'))
            (void)snprintf(escape, sizeof escape, "\\%c", text[at]);
        size_t piece_len = escape[0] == '\0' ? used : strlen(escape);
        if (line->len + piece_len + strlen("…") > end) {
            put_text(line, "…");
            return;
        }
        line_append(line, escape[0] == '\0' ? text + at : escape, piece_len);
    }
}

static void put_time(line_buf *line)
{
    int64_t now_ms = sh_clock_unix_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[64];
    if (gmtime_r(&seconds, &utc) == NULL)
        return;
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    line_append(line, text, len);
    (void)snprintf(text, sizeof text, ".%03dZ", (int)(now_ms % 1000));
    put_text(line, text);
}

static void put_head(line_buf *line, int level)
{
    line->len = 0;
    put_text(line, is_json() ? "{\"time\":\"" : "");
    put_time(line);
    put_text(line, is_json() ? "\",\"level\":\"" : " ");
    put_text(line, level_names[level]);
    put_text(line, is_json() ? "\",\"program\":\"" : " ");
    put_text(line, program_name);
    put_text(line, is_json() ? "\"," : ": ");
}

static void put_message(line_buf *line, const char *message, size_t len, size_t most)
{
    put_text(line, is_json() ? "\"message\":\"" : "");
    put_escaped(line, message, len, is_json() ? IN_JSON : IN_TEXT, most);
    put_text(line, is_json() ? "\"" : "");
}

/* --- Fields ---------------------------------------------------------------------------------- */

static bool needs_quotes(const char *text)
{
    return text[strcspn(text, " \t\r\n\"=\\")] != '\0';
}

static void put_name(line_buf *line, const char *name)
{
    put_text(line, is_json() ? ",\"" : " ");
    put_text(line, name);
    put_text(line, is_json() ? "\":" : "=");
}

static void put_number(line_buf *line, const char *name, int64_t number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    put_name(line, name);
    put_text(line, text);
}

static void put_text_field(line_buf *line, const char *name, const char *text, size_t most)
{
    bool json = is_json();
    if (!json && strcmp(name, "reason") == 0) {
        put_text(line, ": ");
        put_escaped(line, text, strlen(text), IN_TEXT, most);
    } else if (text[0] != '\0') {
        bool quotes = json || needs_quotes(text);
        put_name(line, name);
        put_text(line, quotes ? "\"" : "");
        put_escaped(line, text, strlen(text), json ? IN_JSON : quotes ? IN_QUOTES : IN_TEXT, most);
        put_text(line, quotes ? "\"" : "");
    } else if (!json) {
        put_name(line, name);
        put_text(line, "-");
    }
}

static void put_field(line_buf *line, const sh_log_field *f, size_t most)
{
    if ((!f->is_number && f->text == NULL) || room(line) < FIELD_ROOM)
        return;
    if (f->is_number)
        put_number(line, f->name, f->number);
    else
        put_text_field(line, f->name, f->text, most);
}

static void put_fields(line_buf *line, const sh_log_field *fields)
{
    for (const sh_log_field *f = fields; f != NULL && f->name != NULL; f++)
        put_field(line, f, FIELD_MAX);
}

/* --- Lines ----------------------------------------------------------------------------------- */

static void write_line(line_buf *line)
{
    const char *tail = is_json() ? "}\n" : "\n";
    memcpy(line->data + line->len, tail, strlen(tail)); /* fits: LINE_TAIL_BYTES */
    line->len += strlen(tail);
    sh_log_writer_put(line->data, line->len);
}

static void write_repeats(const sh_log_repeats *repeats)
{
    line_buf line;
    char words[96];
    if (repeats->count == 0)
        return;
    put_head(&line, repeats->level);
    line_append(&line, repeats->sample, repeats->sample_len);
    if (is_json()) {
        put_number(&line, repeats->same ? "repeated" : "similar", (int64_t)repeats->count);
        put_number(&line, "seconds", repeats->seconds);
    } else {
        (void)snprintf(words, sizeof words,
                       repeats->same ? ": repeated %" PRIu64 " times in %" PRId64 " s"
                                     : ", and others: %" PRIu64 " more such lines in %" PRId64 " s",
                       repeats->count, repeats->seconds);
        put_text(&line, words);
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
    line_buf line;
    char words[160];
    put_head(&line, SH_LOG_WARNING);
    int len = snprintf(words, sizeof words,
                       "%" PRIu64 " log lines were lost: standard error was not read", lost);
    put_message(&line, words, (size_t)len, sizeof words);
    put_text(&line, is_json() ? "}\n" : "\n");
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
    line_buf line = {.len = 0};
    put_message(&line, message, strlen(message), SAMPLE_MESSAGE_MAX);
    for (const sh_log_field *f = fields; f != NULL && f->name != NULL; f++)
        if (f->subject && line.len + 2 * SAMPLE_FIELD_MAX < SH_LOG_SAMPLE_BYTES)
            put_field(&line, f, SAMPLE_FIELD_MAX);
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
    (void)snprintf(program_name, sizeof program_name, "%s", program);
    level_max = (int)level;
    line_format = (int)format;
    (void)pthread_mutex_unlock(&limit_lock);
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
        line_buf text;
        put_head(&text, (int)level);
        put_message(&text, message, strlen(message), LINE_MAX_BYTES - FIELDS_ROOM);
        put_fields(&text, fields);
        write_line(&text);
    }
    errno = saved_errno;
}
