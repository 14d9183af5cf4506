/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_answer.h"

#include "libcommon/base/clock.h"

#include <string.h>
#include <time.h>

void sh_http_answer_reset(sh_http_answer *answer)
{
    if (answer == NULL)
        return;
    sh_buf_reset(&answer->body);
    answer->status = 0;
}

/* The value of a header line with this name; its data is NULL for another header. */
static sh_slice header_value(sh_slice line, const char *name)
{
    size_t len = strlen(name);
    if (line.len <= len || line.data[len] != ':' || strncasecmp(line.data, name, len) != 0)
        return (sh_slice){NULL, 0};
    return sh_slice_trim((sh_slice){line.data + len + 1, line.len - len - 1});
}

/* Copies a value that fits; ignores a longer one. */
static void copy_value(sh_slice value, char *ret, size_t ret_bytes)
{
    if (value.len >= ret_bytes)
        value.len = 0;
    memcpy(ret, value.data, value.len);
    ret[value.len] = '\0';
}

static void read_content_type(sh_slice value, sh_http_answer *answer)
{
    const char *parameters = memchr(value.data, ';', value.len);
    if (parameters != NULL)
        value.len = (size_t)(parameters - value.data);
    copy_value(sh_slice_trim(value), answer->content_type, sizeof answer->content_type);
    for (char *c = answer->content_type; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
}

/* For messages only. Keeps printable characters, so that it cannot control a terminal. */
static void read_server(sh_slice value, sh_http_answer *answer)
{
    copy_value(value, answer->server, sizeof answer->server);
    for (char *c = answer->server; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

/* An IMF-fixdate (RFC 9110 section 5.6.7) as Unix time; 0 if it is invalid. */
static int64_t read_date(sh_slice value)
{
    char date[64];
    struct tm when = {.tm_sec = 0};
    copy_value(value, date, sizeof date);
    const char *end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &when);
    return end == NULL || *end != '\0' ? 0 : (int64_t)timegm(&when);
}

/*
 * Computes the delay from the peer's own Date, so that the difference of the clocks does not
 * matter; by our clock only if the peer sends no Date.
 */
static void note_dates(sh_http_answer *answer)
{
    if (answer->retry_at_s == 0)
        return;
    int64_t now_s = answer->date_s != 0 ? answer->date_s : sh_clock_unix_ms() / 1000;
    int64_t wait_s = answer->retry_at_s - now_s;
    answer->retry_after_s = wait_s > 0 ? wait_s : 0;
}

/* Retry-After is a number of seconds or a date (RFC 9110 section 10.2.3). */
static void read_retry_after(sh_slice value, sh_http_answer *answer)
{
    uint64_t seconds;
    if (sh_text_to_u64(value, INT32_MAX, &seconds))
        answer->retry_after_s = (int64_t)seconds;
    else
        answer->retry_at_s = read_date(value);
    note_dates(answer);
}

void sh_http_answer_line(sh_http_answer *answer, sh_slice line)
{
    if (line.len >= 5 && memcmp(line.data, "HTTP/", 5) == 0) {
        answer->content_type[0] = '\0';
        answer->etag[0] = '\0';
        answer->server[0] = '\0';
        answer->problem[0] = '\0';
        answer->retry_after_s = -1;
        answer->date_s = answer->retry_at_s = 0;
        return;
    }
    sh_slice value;
    if ((value = header_value(line, "Content-Type")).data != NULL)
        read_content_type(value, answer);
    else if ((value = header_value(line, "ETag")).data != NULL)
        copy_value(value, answer->etag, sizeof answer->etag);
    else if ((value = header_value(line, "Date")).data != NULL) {
        answer->date_s = read_date(value);
        note_dates(answer);
    } else if ((value = header_value(line, "Server")).data != NULL)
        read_server(value, answer);
    else if ((value = header_value(line, "Sync-Hub-Problem")).data != NULL)
        copy_value(value, answer->problem, sizeof answer->problem);
    else if ((value = header_value(line, "Retry-After")).data != NULL)
        read_retry_after(value, answer);
}
