/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_ambiguity.h"

#include <string.h>
#include <strings.h>

/*
 * A request that a reverse proxy and this server interpret differently can hide a second one from
 * the proxy (request smuggling). The server refuses it and closes the connection.
 *
 * libmicrohttpd 1.0 checks the lines itself, at the level that is set. 0.9.75 accepts bare line
 * feeds, NUL and continued lines, and does not expose the original bytes; but it parses in place,
 * so that the positions of the strings reveal the bytes between them.
 */

typedef struct {
    const char *at;  /* 0.9: where the next line must begin; NULL after a bad one */
    const char *why; /* reason to refuse, or NULL */
    bool in_place;
    unsigned hosts, lengths, encodings, types, tokens, expects;
    bool chunked;
} head_check;

static bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *text)
{
    if (*text == '\0')
        return false;
    while (is_token_character(*text))
        text++;
    return *text == '\0';
}

static bool has_control(const char *value)
{
    for (const char *c = value; *c != '\0'; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return true;
    return false;
}

/*
 * The start of the next line if this string is followed by exactly CRLF, which the library replaced
 * by two NULs; otherwise NULL.
 */
static const char *behind_line(const char *last)
{
    const char *end = last + strlen(last);
    return end[0] == '\0' && end[1] == '\0' ? end + 2 : NULL;
}

/* Checks that this header's line begins where the previous one ended. */
static void check_place(head_check *check, const char *name, const char *value)
{
    if (!check->in_place || check->at == NULL)
        return;
    const char *between = name + strlen(name) + 1;
    if (name != check->at || value < between) {
        check->at = NULL;
        return;
    }
    while (between < value && (*between == ' ' || *between == '\t'))
        between++;
    check->at = between == value ? behind_line(value) : NULL;
}

static bool is_host(const char *value)
{
    return value[strcspn(value, " \t,/\\?#@")] == '\0';
}

static bool is_number(const char *value)
{
    return *value != '\0' && value[strspn(value, "0123456789")] == '\0';
}

static void check_meaning(head_check *check, const char *name, const char *value)
{
    if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
        check->hosts++;
        if (!is_host(value))
            check->why = "The request's Host is not a host";
    } else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        check->lengths++;
        if (!is_number(value))
            check->why = "The request's Content-Length is not a number";
    } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        check->encodings++;
        check->chunked = strcasecmp(value, "chunked") == 0;
    } else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_TYPE) == 0) {
        check->types++;
    } else if (strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0) {
        check->tokens++;
    } else if (strcasecmp(name, MHD_HTTP_HEADER_EXPECT) == 0) {
        check->expects++;
    }
}

static enum MHD_Result check_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    head_check *check = cls;
    (void)kind;
    if (value == NULL)
        value = "";
    check_place(check, name, value);
    if (!is_token(name))
        check->why = "A header of the request has an invalid name";
    else if (has_control(value))
        check->why = "A header of the request contains a control character";
    else
        check_meaning(check, name, value);
    return check->why == NULL ? MHD_YES : MHD_NO;
}

/* The empty line must follow the last header: lines that the library skipped would be before it. */
static bool ends_well(const head_check *check)
{
    return check->at != NULL && check->at[0] == '\0' && check->at[1] == '\0';
}

static const char *check_whole(const head_check *check, bool is_1_1)
{
    if (check->in_place && !ends_well(check))
        return "The request's lines do not all end with CR and LF, or one is continued";
    if (check->hosts > 1)
        return "The request has more than one Host";
    if (check->hosts == 0 && is_1_1)
        return "The request has no Host";
    if (check->lengths > 1)
        return "The request has more than one Content-Length";
    if (check->encodings > 0 && check->lengths > 0)
        return "The request has both Content-Length and Transfer-Encoding";
    if (check->encodings > 0 && (check->encodings > 1 || !check->chunked || !is_1_1))
        return "The request's Transfer-Encoding is not just chunked in HTTP/1.1";
    if (check->types > 1 || check->tokens > 1 || check->expects > 1)
        return "The request repeats a header that may occur only once";
    return NULL;
}

/* Whether the line's parts are separated by one space, and path and query contain none. */
static bool is_request_line(const sh_http_request_line *line)
{
    const char *path = line->method + strlen(line->method) + 1;
    return line->path == path && line->version > path + 1 &&
           memchr(path, ' ', (size_t)(line->version - 1 - path)) == NULL;
}

bool sh_http_is_ambiguous(struct MHD_Connection *connection, const sh_http_request_line *line,
                          const char **why)
{
    const char *method = line->method, *version = line->version;
    head_check check = {.in_place = MHD_get_version()[0] == '0'};
    bool is_1_1 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    *why = NULL;
    if (!is_1_1 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        *why = "The request line does not end with HTTP/1.1 or HTTP/1.0";
    else if (!is_token(method))
        *why = "The request's method is invalid";
    else if (check.in_place && !is_request_line(line))
        *why = "The request line has more than two spaces";
    if (*why != NULL)
        return true;
    if (check.in_place)
        check.at = behind_line(version);
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, check_header, &check);
    *why = check.why != NULL ? check.why : check_whole(&check, is_1_1);
    return *why != NULL;
}
