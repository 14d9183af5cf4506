/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/url.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/percent.h"
#include "libcommon/base/value_hint.h"
#include "libcommon/http/idn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Where the first of the characters is in text, or text.len. */
static size_t find_any(sh_slice text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(characters, text.data[i]) != NULL)
            return i;
    }
    return text.len;
}

static sh_slice from(sh_slice text, size_t at)
{
    return (sh_slice){.data = text.data + at, .len = text.len - at};
}

static void copy(sh_slice text, char *ret)
{
    if (text.len > 0)
        memcpy(ret, text.data, text.len);
    ret[text.len] = '\0';
}

/* The host of a URL that need not be one; empty where there is none. */
static sh_slice host_of(sh_slice text)
{
    const char *slashes = memmem(text.data, text.len, "//", 2);
    if (slashes == NULL)
        return (sh_slice){.data = text.data, .len = 0};
    text = from(text, (size_t)(slashes - text.data) + 2);
    text.len = find_any(text, "/?#");
    size_t at = find_any(text, "@");
    if (at < text.len)
        text = from(text, at + 1);
    text.len = text.len > 0 && text.data[0] == '[' ? text.len : find_any(text, ":");
    return text;
}

/* Letters beyond ASCII: in a host they have another form, which is told. */
static sh_err fail_not_ascii(sh_slice text, size_t at, sh_error *error)
{
    sh_slice host = host_of(text);
    SH_CLEANUP(sh_buf_reset) sh_buf ascii = SH_BUF_INIT(512);
    bool in_host = text.data + at >= host.data && text.data + at < host.data + host.len;
    char odd[SH_VALUE_HINT_BYTES];
    SH_CLEANUP(sh_free_cleanup) char *copy = strndup(text.data, text.len);
    if (copy != NULL && sh_value_hint(copy, odd))
        return sh_fail(error, SH_E_FORMAT, "character %zu of the URL must not stand there", at + 1);
    if (in_host && sh_idn_to_ascii(host, &ascii) == SH_OK)
        return sh_fail(error, SH_E_FORMAT,
                       "the URL's host has letters beyond ASCII: write it as DNS knows it, %s",
                       ascii.data);
    return sh_fail(error, SH_E_FORMAT,
                   "character %zu of the URL is not ASCII and must be percent-encoded", at + 1);
}

static sh_err check_characters(sh_slice text, sh_error *error)
{
    if (text.len == 0)
        return sh_fail(error, SH_E_FORMAT, "the URL is empty");
    if (text.len > SH_URL_MAX)
        return sh_fail(error, SH_E_LIMIT, "the URL is longer than %d bytes", SH_URL_MAX);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x80)
            return fail_not_ascii(text, i, error);
        if (c == ' ' && (i == 0 || i == text.len - 1))
            return sh_fail(error, SH_E_FORMAT, "the URL %s with a space",
                           i == 0 ? "begins" : "ends");
        if (c <= 0x20 || c == 0x7F || strchr("<>\"\\^`{|}", c) != NULL)
            return sh_fail(error, SH_E_FORMAT,
                           "character %zu of the URL must not stand there unless it is "
                           "percent-encoded",
                           i + 1);
    }
    return SH_OK;
}

static sh_err read_scheme(sh_slice *text, sh_url *url, sh_error *error)
{
    size_t len = 0;
    while (len < text->len &&
           (is_letter(text->data[len]) ||
            (len > 0 && (is_digit(text->data[len]) || memchr("+-.", text->data[len], 3) != NULL))))
        len++;
    /* `hub:20212` has a host where the scheme should be. */
    bool none = len + 1 < text->len && is_digit(text->data[len + 1]);
    if (len == 0 || len == text->len || text->data[len] != ':' || none)
        return sh_fail(error, SH_E_FORMAT,
                       "the URL does not begin with a scheme and ://, as in http://");
    if (len >= sizeof url->scheme)
        return sh_fail(error, SH_E_FORMAT, "the URL's scheme is none that is known");
    for (size_t i = 0; i < len; i++)
        url->scheme[i] = is_letter(text->data[i]) ? (char)(text->data[i] | 0x20) : text->data[i];
    *text = from(*text, len + 1);
    return SH_OK;
}

/* Decodes a user or password into size bytes with its NUL. */
static sh_err read_credential(sh_slice text, char *ret, size_t size, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf buf = SH_BUF_INIT(size - 1);
    sh_err err = sh_percent_decode(text, &buf);
    if (err == SH_E_LIMIT)
        return sh_fail(error, err, "the URL's user or password is longer than %zu bytes", size - 1);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    if (err != SH_OK)
        return sh_fail(error, err, "the URL's user or password has a broken percent-escape");
    for (size_t i = 0; i < buf.len; i++) {
        unsigned char c = (unsigned char)buf.data[i];
        if (c < 0x20 || c == 0x7F)
            return sh_fail(error, SH_E_FORMAT,
                           "the URL's user or password holds a control character");
    }
    copy((sh_slice){.data = buf.data, .len = buf.len}, ret);
    return SH_OK;
}

static sh_err read_userinfo(sh_slice text, sh_url *url, sh_error *error)
{
    size_t colon = find_any(text, ":");
    sh_slice user = {.data = text.data, .len = colon};
    sh_err err = read_credential(user, url->user, sizeof url->user, error);
    if (err == SH_OK && colon < text.len)
        err = read_credential(from(text, colon + 1), url->password, sizeof url->password, error);
    return err;
}

/* Why an address of IPv6 between [ and ] is none that can be used. */
static sh_err fail_v6(sh_slice address, sh_error *error)
{
    size_t zone = find_any(address, "%");
    if (zone < address.len)
        return sh_fail(error, SH_E_FORMAT,
                       "an address with a zone (behind '%%') works on one machine alone: use an "
                       "address that is not link-local, or a host name");
    return sh_fail(error, SH_E_FORMAT, "the URL has no IPv6 address between [ and ]");
}

static sh_err read_host_v6(sh_slice *text, sh_url *url, sh_error *error)
{
    size_t end = find_any(*text, "]");
    struct in6_addr address;
    if (end < text->len && end - 1 < INET6_ADDRSTRLEN) {
        copy((sh_slice){.data = text->data + 1, .len = end - 1}, url->host);
        if (inet_pton(AF_INET6, url->host, &address) == 1 && IN6_IS_ADDR_LINKLOCAL(&address))
            return sh_fail(error, SH_E_FORMAT,
                           "a link-local address (fe80::) cannot be reached without its zone: use "
                           "an address that is not link-local, or a host name");
        if (inet_pton(AF_INET6, url->host, &address) == 1) {
            *text = from(*text, end + 1);
            return SH_OK;
        }
    }
    return fail_v6((sh_slice){text->data + 1, end - 1}, error);
}

static sh_err read_host(sh_slice *text, sh_url *url, sh_error *error)
{
    if (text->len > 0 && text->data[0] == '[')
        return read_host_v6(text, url, error);
    size_t len = find_any(*text, ":");
    if (len < text->len && find_any(from(*text, len + 1), ":") < text->len - len - 1)
        return sh_fail(error, SH_E_FORMAT,
                       "an IPv6 address stands in brackets, as in http://[fd00::1]:20212");
    if (len == 0)
        return sh_fail(error, SH_E_FORMAT, "the URL names no host");
    if (len >= sizeof url->host)
        return sh_fail(error, SH_E_LIMIT, "the URL's host is longer than %zu bytes",
                       sizeof url->host - 1);
    for (size_t i = 0; i < len; i++) {
        char c = text->data[i];
        if (!is_letter(c) && !is_digit(c) && memchr("-._~", c, 4) == NULL)
            return sh_fail(error, SH_E_FORMAT,
                           "the URL's host has a character that no host name has (in a user or "
                           "password, '/', '?', '#', '@' and ':' must be percent-encoded)");
    }
    copy((sh_slice){.data = text->data, .len = len}, url->host);
    *text = from(*text, len);
    return SH_OK;
}

#define ENCODE " (in a user or password, '/', '?', '#', '@' and ':' must be percent-encoded)"

static sh_err read_port(sh_slice text, bool has_userinfo, sh_url *url, sh_error *error)
{
    uint64_t port;
    if (text.len == 0)
        return SH_OK;
    if (text.data[0] != ':' || !sh_text_to_u64(from(text, 1), 65535, &port) || port == 0)
        return sh_fail(error, SH_E_FORMAT, "the URL's port is no number from 1 to 65535%s",
                       has_userinfo ? ENCODE : "");
    url->port = (uint16_t)port;
    return SH_OK;
}

/* `user:password@host:port`. Only unix: may leave the host out. */
static sh_err read_authority(sh_slice text, sh_url *url, bool *has_userinfo, sh_error *error)
{
    bool is_unix = strcmp(url->scheme, "unix") == 0;
    if (is_unix && text.len == 0)
        return SH_OK;
    if (is_unix)
        return sh_fail(error, SH_E_FORMAT, "a unix: URL names a path alone, as in unix:/run/x");
    size_t at = find_any(text, "@");
    *has_userinfo = at < text.len;
    if (*has_userinfo) {
        sh_slice userinfo = {.data = text.data, .len = at};
        text = from(text, at + 1);
        sh_err err = read_userinfo(userinfo, url, error);
        if (err != SH_OK)
            return err;
    }
    sh_err err = read_host(&text, url, error);
    return err == SH_OK ? read_port(text, *has_userinfo, url, error) : err;
}

static sh_err read_path(sh_slice text, sh_url *url, sh_error *error)
{
    if (text.len == 0)
        return SH_OK;
    bool slash = text.data[0] == '/';
    if (!slash && url->host[0] == '\0')
        return sh_fail(error, SH_E_FORMAT, "the URL has neither // and a host nor a path");
    assert(text.len + 1 < sizeof url->path); /* the scheme took more of SH_URL_MAX */
    url->path[0] = '/';                      /* `http://host?query` asks for `/?query` */
    copy(slash ? from(text, 1) : text, url->path + 1);
    return SH_OK;
}

static sh_err read_into(sh_slice text, sh_url *url, bool *has_userinfo, sh_error *error)
{
    sh_err err = check_characters(text, error);
    if (err == SH_OK)
        err = read_scheme(&text, url, error);
    if (err != SH_OK)
        return err;
    if (text.len >= 2 && memcmp(text.data, "//", 2) == 0) {
        text = from(text, 2);
        size_t end = find_any(text, "/?#");
        sh_slice authority = {.data = text.data, .len = end};
        text = from(text, end);
        err = read_authority(authority, url, has_userinfo, error);
        if (err != SH_OK)
            return err;
    } else if (text.len == 0 || text.data[0] != '/') {
        return sh_fail(error, SH_E_FORMAT, "the URL has neither // and a host nor a path");
    }
    return read_path(text, url, error);
}

static void wipe_url(sh_url *url)
{
    explicit_bzero(url, sizeof *url);
}

sh_err sh_url_read(sh_slice text, sh_url *ret, sh_error *error)
{
    SH_CLEANUP(wipe_url) sh_url url = {0};
    bool has_userinfo = false;
    sh_err err = read_into(text, &url, &has_userinfo, error);
    if (err == SH_OK)
        *ret = url;
    return err;
}

sh_err sh_url_check_http(sh_slice text, sh_error *error)
{
    SH_CLEANUP(wipe_url) sh_url url = {0};
    bool has_userinfo = false;
    sh_err err = read_into(text, &url, &has_userinfo, error);
    if (err != SH_OK)
        return err;
    if (strcmp(url.scheme, "http") != 0 && strcmp(url.scheme, "https") != 0)
        return sh_fail(error, SH_E_FORMAT, "the URL begins neither with http:// nor with https://");
    if (url.host[0] == '\0')
        return sh_fail(error, SH_E_FORMAT, "the URL names no host");
    if (has_userinfo)
        return sh_fail(error, SH_E_FORMAT,
                       "the URL has a user or password; the token is all that is used");
    if (strchr(url.path, '?') != NULL || strchr(url.path, '#') != NULL)
        return sh_fail(error, SH_E_FORMAT, "the URL has a query ('?') or fragment ('#')");
    return SH_OK;
}

bool sh_url_is_loopback(const sh_url *url)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(url->host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, url->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, url->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
