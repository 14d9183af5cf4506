/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/proxy_environment.h"

#include "libcommon/base/text.h"
#include "libcommon/http/url.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int family; /* AF_INET, AF_INET6; 0: a name */
    unsigned char bytes[16];
} address;

static address read_address(sh_slice text)
{
    char copy[INET6_ADDRSTRLEN];
    address ret = {.family = 0};
    if (text.len >= sizeof copy)
        return ret;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, ret.bytes) == 1)
        ret.family = AF_INET;
    else if (inet_pton(AF_INET6, copy, ret.bytes) == 1)
        ret.family = AF_INET6;
    return ret;
}

static sh_slice without_brackets(sh_slice host)
{
    if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        return (sh_slice){host.data + 1, host.len - 2};
    return host;
}

/* An entry such as 10.1.2.3 or 10.0.0.0/8. */
static bool covers_address(sh_slice entry, const address *host)
{
    const char *slash = memchr(entry.data, '/', entry.len);
    uint64_t bits = host->family == AF_INET ? 32 : 128;
    sh_slice text = entry;
    if (slash != NULL) {
        text.len = (size_t)(slash - entry.data);
        sh_slice number = {slash + 1, entry.len - text.len - 1};
        uint64_t whole = bits;
        if (!sh_text_to_u64(number, whole, &bits))
            return false;
    }
    address network = read_address(without_brackets(text));
    if (network.family != host->family)
        return false;
    size_t bytes = (size_t)bits / 8;
    unsigned rest = (unsigned)bits % 8;
    unsigned mask = 0xffU << (8 - rest) & 0xffU;
    return memcmp(network.bytes, host->bytes, bytes) == 0 &&
           (rest == 0 || ((network.bytes[bytes] ^ host->bytes[bytes]) & mask) == 0);
}

/* An entry such as example.com, which includes www.example.com. */
static bool covers_name(sh_slice entry, sh_slice host)
{
    while (entry.len > 0 && entry.data[0] == '.') {
        entry.data++;
        entry.len--;
    }
    if (entry.len > 0 && entry.data[entry.len - 1] == '.')
        entry.len--;
    if (host.len > 0 && host.data[host.len - 1] == '.')
        host.len--;
    if (entry.len == 0 || entry.len > host.len ||
        strncasecmp(host.data + host.len - entry.len, entry.data, entry.len) != 0)
        return false;
    return entry.len == host.len || host.data[host.len - entry.len - 1] == '.';
}

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t';
}

static bool is_excepted(const char *list, sh_slice host)
{
    address as_address = read_address(host);
    while (*list != '\0') {
        size_t len = 0;
        while (list[len] != '\0' && !is_separator(list[len]))
            len++;
        sh_slice entry = {list, len};
        if (sh_slice_equals(entry, SH_SLICE("*")) ||
            (as_address.family != 0 ? covers_address(entry, &as_address)
                                    : covers_name(entry, host)))
            return true;
        list += len;
        while (is_separator(*list))
            list++;
    }
    return false;
}

/* The first of the variables that is not empty. */
static const char *first_set(const char *const names[], size_t count, const char **value)
{
    for (size_t i = 0; i < count; i++) {
        *value = getenv(names[i]);
        if (*value != NULL && **value != '\0')
            return names[i];
    }
    *value = NULL;
    return NULL;
}

/* Length of a leading `http://` or the like; 0 if there is none. */
static size_t scheme_len(const char *value)
{
    size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    return len > 0 && strncmp(value + len, "://", 3) == 0 ? len + 3 : 0;
}

/* Writes the proxy's URL without user, password and path, for logs. */
static void write_shown(sh_proxy *proxy)
{
    size_t scheme = scheme_len(proxy->value);
    const char *begin = proxy->value + scheme;
    size_t len = strcspn(begin, "/?#");
    /* A password may contain an unescaped slash, so show nothing before the last @. */
    const char *at = strrchr(begin, '@');
    if (at != NULL) {
        begin = at + 1;
        len = strcspn(begin, "/?#");
    }
    (void)snprintf(proxy->shown, sizeof proxy->shown, "%.*s%.*s", scheme < 20 ? (int)scheme : 0,
                   proxy->value, len < 100 ? (int)len : 100, begin);
    for (char *c = proxy->shown; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

void sh_proxy_of(const char *url, sh_proxy *ret)
{
    static const char *const for_http[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    static const char *const for_https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY"};
    sh_url parts;
    const char *list = NULL;
    *ret = (sh_proxy){.variable = NULL};
    if (sh_url_read(sh_slice_of(url), &parts, NULL) != SH_OK)
        return;
    bool tls = sh_text_equals_ignoring_case(parts.scheme, "https");
    const char *const *names = tls ? for_https : for_http;
    ret->variable = first_set(names, tls ? 4 : 3, &ret->value);
    if (ret->variable == NULL)
        return;
    if (first_set(exceptions, 2, &list) != NULL &&
        is_excepted(list, without_brackets(sh_slice_of(parts.host)))) {
        *ret = (sh_proxy){.variable = NULL};
        return;
    }
    write_shown(ret);
}
