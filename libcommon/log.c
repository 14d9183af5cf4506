/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/log.h"

#include "libcommon/clock.h"
#include "libcommon/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 4096 /* bytes before escaping; the rest of a longer message is left out */
#define LINE_MAX_BYTES 16384
#define LINE_TAIL_BYTES 8 /* kept for what ends a line: `…`, quote, brace, line feed */

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static char program_name[32] = "synchub";
static _Atomic int level_max = SH_LOG_INFO;
static _Atomic int line_format = SH_LOG_TEXT;

typedef struct {
    char data[LINE_MAX_BYTES];
    size_t len;
} line_buf;

/* Adds a piece whole or not at all. */
static bool put(line_buf *line, const char *piece, size_t len)
{
    if (len > sizeof line->data - LINE_TAIL_BYTES - line->len)
        return false;
    memcpy(line->data + line->len, piece, len);
    line->len += len;
    return true;
}

static void put_text(line_buf *line, const char *text)
{
    (void)put(line, text, strlen(text));
}

/* Bytes of the UTF-8 character at text, or 0 where there is none. */
static size_t character_len(const char *text, size_t len)
{
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        if (sh_utf8_is_valid(text, n))
            return n;
    }
    return 0;
}

/* One character of a message as it may stand in the line; false where the line is full. */
static bool put_character(line_buf *line, const char *at, size_t len, bool json)
{
    char escape[32];
    unsigned char first = (unsigned char)at[0];
    int written;
    if (len == 0) /* a byte that is no UTF-8 */
        written = json ? snprintf(escape, sizeof escape, "\\ufffd")
                       : snprintf(escape, sizeof escape, "\\x%02x", first);
    else if (json && (first == '"' || first == '\\'))
        written = snprintf(escape, sizeof escape, "\\%c", first);
    else if (!sh_utf8_has_control(at, len))
        return put(line, at, len);
    else if (json) /* C1 controls are two bytes, the second of which is the code point */
        written = snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)at[len - 1]);
    else
        written = snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)at[len - 1]);
    return put(line, escape, (size_t)written);
}

static void put_message(line_buf *line, const char *message, size_t len, bool json)
{
    for (size_t at = 0; at < len;) {
        size_t n = character_len(message + at, len - at);
        if (!put_character(line, message + at, n, json)) {
            memcpy(line->data + line->len, "…", strlen("…")); /* LINE_TAIL_BYTES holds it */
            line->len += strlen("…");
            return;
        }
        at += n == 0 ? 1 : n;
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
    (void)put(line, text, len);
    (void)snprintf(text, sizeof text, ".%03dZ", (int)(now_ms % 1000));
    put_text(line, text);
}

/* A line that standard error cannot take is lost: there is nowhere to say so. */
static void write_line(const line_buf *line)
{
    size_t at = 0;
    while (at < line->len) {
        ssize_t n = write(STDERR_FILENO, line->data + at, line->len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

void sh_log_init(const char *program, sh_log_level level, sh_log_format format)
{
    (void)snprintf(program_name, sizeof program_name, "%s", program);
    level_max = (int)level;
    line_format = (int)format;
}

void sh_log(sh_log_level level, const char *format, ...)
{
    if ((int)level > level_max)
        return;
    int saved_errno = errno;
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t used = len < 0 ? 0 : (size_t)len;
    if (used >= sizeof message)
        used = sizeof message - 1;

    line_buf line;
    line.len = 0;
    bool json = line_format == SH_LOG_JSON;
    put_text(&line, json ? "{\"time\":\"" : "");
    put_time(&line);
    put_text(&line, json ? "\",\"level\":\"" : " ");
    put_text(&line, level_names[level]);
    put_text(&line, json ? "\",\"program\":\"" : " ");
    put_text(&line, program_name);
    put_text(&line, json ? "\",\"message\":\"" : ": ");
    put_message(&line, message, used, json);
    const char *tail = json ? "\"}\n" : "\n";
    memcpy(line.data + line.len, tail, strlen(tail));
    line.len += strlen(tail);
    write_line(&line);
    errno = saved_errno;
}
