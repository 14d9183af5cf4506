/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/log_format.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/text_print.h"
#include "libcommon/base/unicode.h"
#include "libcommon/base/utf8.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIELD_MAX 1024 /* bytes of a field's text, escaped */
#define FIELD_ROOM (FIELD_MAX + 64)
#define LINE_TAIL_BYTES 8 /* reserved for the end of a line */

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static char program_name[32] = "synchub";
static _Atomic int line_format = SH_LOG_TEXT;

typedef enum { IN_TEXT, IN_QUOTES, IN_JSON } put_style;

void sh_log_format_set(const char *program, sh_log_format format)
{
    (void)snprintf(program_name, sizeof program_name, "%s", program);
    line_format = (int)format;
}

/* --- Parts of a line ------------------------------------------------------------------------- */

bool sh_log_is_json(void)
{
    return line_format == SH_LOG_JSON;
}

static size_t room(const sh_log_line *line)
{
    return sizeof line->data - LINE_TAIL_BYTES - line->len;
}

/* Appends text if there is room. */
void sh_log_line_append(sh_log_line *line, const char *piece, size_t len)
{
    if (len > room(line))
        return;
    memcpy(line->data + line->len, piece, len);
    line->len += len;
}

void sh_log_line_text(sh_log_line *line, const char *text)
{
    sh_log_line_append(line, text, strlen(text));
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
static void put_escaped(sh_log_line *line, const char *text, size_t len, put_style style,
                        size_t most)
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
            sh_log_line_text(line, "…");
            return;
        }
        sh_log_line_append(line, escape[0] == '\0' ? text + at : escape, piece_len);
    }
}

static void put_time(sh_log_line *line)
{
    int64_t now_ms = sh_clock_unix_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    char text[64];
    if (gmtime_r(&seconds, &utc) == NULL)
        return;
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    sh_log_line_append(line, text, len);
    (void)snprintf(text, sizeof text, ".%03dZ", (int)(now_ms % 1000));
    sh_log_line_text(line, text);
}

void sh_log_line_begin(sh_log_line *line, int level)
{
    line->len = 0;
    sh_log_line_text(line, sh_log_is_json() ? "{\"time\":\"" : "");
    put_time(line);
    sh_log_line_text(line, sh_log_is_json() ? "\",\"level\":\"" : " ");
    sh_log_line_text(line, level_names[level]);
    sh_log_line_text(line, sh_log_is_json() ? "\",\"program\":\"" : " ");
    sh_log_line_text(line, program_name);
    sh_log_line_text(line, sh_log_is_json() ? "\"," : ": ");
}

void sh_log_line_message(sh_log_line *line, const char *message, size_t len, size_t most)
{
    sh_log_line_text(line, sh_log_is_json() ? "\"message\":\"" : "");
    put_escaped(line, message, len, sh_log_is_json() ? IN_JSON : IN_TEXT, most);
    sh_log_line_text(line, sh_log_is_json() ? "\"" : "");
}

/* --- Fields ---------------------------------------------------------------------------------- */

static bool needs_quotes(const char *text)
{
    return text[strcspn(text, " \t\r\n\"=\\")] != '\0';
}

static void put_name(sh_log_line *line, const char *name)
{
    sh_log_line_text(line, sh_log_is_json() ? ",\"" : " ");
    sh_log_line_text(line, name);
    sh_log_line_text(line, sh_log_is_json() ? "\":" : "=");
}

void sh_log_line_number(sh_log_line *line, const char *name, int64_t number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    put_name(line, name);
    sh_log_line_text(line, text);
}

static void put_text_field(sh_log_line *line, const char *name, const char *text, size_t most)
{
    bool json = sh_log_is_json();
    if (!json && strcmp(name, "reason") == 0) {
        sh_log_line_text(line, ": ");
        put_escaped(line, text, strlen(text), IN_TEXT, most);
    } else if (text[0] != '\0') {
        bool quotes = json || needs_quotes(text);
        put_name(line, name);
        sh_log_line_text(line, quotes ? "\"" : "");
        put_escaped(line, text, strlen(text), json ? IN_JSON : quotes ? IN_QUOTES : IN_TEXT, most);
        sh_log_line_text(line, quotes ? "\"" : "");
    } else if (!json) {
        put_name(line, name);
        sh_log_line_text(line, "-");
    }
}

void sh_log_line_field(sh_log_line *line, const sh_log_field *f, size_t most)
{
    if ((!f->is_number && f->text == NULL) || room(line) < FIELD_ROOM)
        return;
    if (f->is_number)
        sh_log_line_number(line, f->name, f->number);
    else
        put_text_field(line, f->name, f->text, most);
}

void sh_log_line_fields(sh_log_line *line, const sh_log_field *fields)
{
    for (const sh_log_field *f = fields; f != NULL && f->name != NULL; f++)
        sh_log_line_field(line, f, FIELD_MAX);
}

/* --- The end of a line ------------------------------------------------------------------------ */

void sh_log_line_end(sh_log_line *line)
{
    const char *tail = sh_log_is_json() ? "}\n" : "\n";
    memcpy(line->data + line->len, tail, strlen(tail)); /* fits: LINE_TAIL_BYTES */
    line->len += strlen(tail);
}
