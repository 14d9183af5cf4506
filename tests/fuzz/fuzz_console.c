/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_read.h"
#include "receiver/console/console_body.h"
#include "receiver/console/console_decode.h"
#include "receiver/console/console_host.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * A request to the console, one part of it a line: path, query, Cookie, Host, Origin; the rest is
 * the body. What is decoded is text, and only the console's own names are its host.
 */

static char *urls[] = {(char[]){"https://hub.example:8443"}};

static bool begins_with_any(const char *text, const char *const names[])
{
    for (; *names != NULL; names++)
        if (strncasecmp(text, *names, strlen(*names)) == 0)
            return true;
    return false;
}

/* Whether text begins with the IPv6 loopback in brackets, however it is spelled. */
static bool begins_with_ipv6_loopback(const char *text)
{
    char name[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t len = strcspn(text, "]");
    if (text[0] != '[' || text[len] != ']' || len > sizeof name)
        return false;
    memcpy(name, text + 1, len - 1);
    name[len - 1] = '\0';
    return inet_pton(AF_INET6, name, &address) == 1 &&
           memcmp(&address, &in6addr_loopback, sizeof address) == 0;
}

static void check_text(const char *text, size_t room)
{
    size_t len = strlen(text);
    fuzz_assert(len < room && sh_utf8_is_valid(text, len) && !sh_utf8_has_control(text, len),
                "what is decoded is text of a limited length");
}

static void read_path(const char *path)
{
    char text[CONSOLE_PATH_BYTES];
    const char *parts[CONSOLE_PARTS_MAX];
    size_t count = 0;
    if (!console_decode_path(path, text, parts, &count))
        return;
    fuzz_assert(count > 0 && count <= CONSOLE_PARTS_MAX, "a path has one to four parts");
    for (size_t i = 0; i < count; i++)
        check_text(parts[i], CONSOLE_PART_BYTES);
}

static void read_query(const char *query)
{
    for (size_t room = 1; room <= 256; room *= 16) {
        char text[256];
        if (console_decode(sh_slice_of(query), true, text, room))
            check_text(text, room);
    }
}

static void read_cookie(const char *header)
{
    sh_slice value = console_decode_cookie(header, "s=");
    if (value.len == 0)
        return;
    fuzz_assert(value.data >= header + 2 && value.data + value.len <= header + strlen(header) &&
                    memcmp(value.data - 2, "s=", 2) == 0,
                "a cookie's value comes after its name");
    fuzz_assert(memchr(value.data, ';', value.len) == NULL, "a cookie ends before the next");
}

static void read_host(const char *host, const char *origin)
{
    static const char *const own[] = {"localhost", "127.", "hub.example:8443", NULL};
    const sh_settings settings = {.console_listen = (char[]){"127.0.0.1:20214"},
                                  .console_url = {.items = urls, .count = 1}};
    const console_origin from = {.host = host, .origin = origin};
    bool stated = false;
    if (console_host_is_own(&settings, host)) {
        fuzz_assert(begins_with_any(host, own) || begins_with_ipv6_loopback(host),
                    "only its own names are the console's host");
        fuzz_assert(strpbrk(host, "/@?# \t") == NULL, "a host is a name and a port");
    }
    (void)console_host_has_https(&settings, host);
    if (console_origin_is_own(&from, &stated)) {
        size_t host_len = strlen(host), origin_len = strlen(origin);
        fuzz_assert(origin_len >= host_len && strcasecmp(origin + origin_len - host_len, host) == 0,
                    "the origin is the page's host");
    }
}

static void read_body(sh_slice text)
{
    const char *name = NULL;
    bool flag = false;
    int64_t number = 1;
    const sh_json *list = NULL, *any = NULL;
    const console_body_field fields[] = {
        {.name = "name", .kind = CONSOLE_BODY_TEXT, .ret = &name, .required = true},
        {.name = "flag", .kind = CONSOLE_BODY_FLAG, .ret = &flag},
        {.name = "n", .kind = CONSOLE_BODY_INTEGER, .ret = &number, .least = 1, .largest = 9},
        {.name = "list", .kind = CONSOLE_BODY_ARRAY, .ret = &list},
        {.name = "any", .kind = CONSOLE_BODY_ANY, .ret = &any},
    };
    sh_json *body = NULL;
    sh_error error = {.code = SH_OK};
    if (sh_json_parse(text.data, text.len, &body, NULL) != SH_OK)
        return;
    if (sh_json_kind_of(body) == SH_JSON_OBJECT) {
        sh_err err = console_body_read(body, fields, sizeof fields / sizeof fields[0], &error);
        fuzz_assert(err == error.code, "an error has a message");
        if (err == SH_OK)
            fuzz_assert(name != NULL && number >= 1 && number <= 9 &&
                            (list == NULL || sh_json_kind_of(list) == SH_JSON_ARRAY),
                        "members have the kinds that are asked for");
    }
    sh_json_free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { PATH, QUERY, COOKIE, HOST, ORIGIN, LINES };
    char *copy = malloc(size + 1);
    char *lines[LINES];
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    char *at = copy;
    for (int i = 0; i < LINES; i++) {
        lines[i] = at;
        at += strcspn(at, "\n");
        if (*at != '\0')
            *at++ = '\0';
    }
    read_path(lines[PATH]);
    read_query(lines[QUERY]);
    read_cookie(lines[COOKIE]);
    read_host(lines[HOST], lines[ORIGIN]);
    read_body((sh_slice){at, (size_t)(copy + size - at)});
    free(copy);
    return 0;
}
