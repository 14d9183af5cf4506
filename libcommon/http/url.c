/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/url.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/percent.h"
#include "libcommon/base/value_hint.h"
#include "libcommon/http/url_curl.h"
#include "libcommon/http/url_idn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * libcurl splits the URL, so that the checked host is the one that a request connects to. This
 * module checks first what libcurl accepts (no `//` or more than two slashes, an empty port, `%` in
 * a host) and what deserves a better message than libcurl's code (characters, an address without
 * brackets).
 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Index of the first of the characters in text, or text.len. */
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

/* The part of a URL between `//` and the path; its data is NULL if there is no `//`. */
static sh_slice authority_of(sh_slice text)
{
    const char *slashes = memmem(text.data, text.len, "//", 2);
    if (slashes == NULL)
        return (sh_slice){.data = NULL, .len = 0};
    text = from(text, (size_t)(slashes - text.data) + 2);
    text.len = find_any(text, "/?#");
    return text;
}

static bool has_userinfo(sh_slice authority)
{
    return find_any(authority, "@") < authority.len;
}

static void copy(sh_slice text, char *ret)
{
    if (text.len > 0)
        memcpy(ret, text.data, text.len);
    ret[text.len] = '\0';
}

static sh_err fail_not_ascii(sh_slice text, size_t at, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) char *copy = strndup(text.data, text.len);
    char hint[SH_VALUE_HINT_BYTES];
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    if (sh_value_hint(copy, hint))
        return sh_fail(error, SH_E_FORMAT, "character %zu of the URL is not allowed there", at + 1);
    char host[SH_URL_MAX];
    if (sh_url_host_to_ascii(copy, host, sizeof host))
        return sh_fail(error, SH_E_FORMAT,
                       "the URL's host has non-ASCII letters: write it as in DNS, %s", host);
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
                           "character %zu of the URL is not allowed there unless it is "
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
        return sh_fail(error, SH_E_FORMAT, "the URL's scheme is unknown");
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
                           "the URL's user or password contains a control character");
    }
    copy((sh_slice){.data = buf.data, .len = buf.len}, ret);
    return SH_OK;
}

#define ENCODE "(in a user or password, '/', '?', '#', '@' and ':' must be percent-encoded)"

static sh_err fail_host(sh_error *error)
{
    return sh_fail(error, SH_E_FORMAT,
                   "the URL's host has a character that is not allowed in host names " ENCODE);
}

static sh_err fail_port(bool userinfo, sh_error *error)
{
    return sh_fail(error, SH_E_FORMAT, "the URL's port is not a number from 1 to 65535%s",
                   userinfo ? " " ENCODE : "");
}

/* Rejects `host:port` that libcurl would accept, or that deserves a better message. */
static sh_err check_host(sh_slice text, bool userinfo, sh_error *error)
{
    bool brackets = text.len > 0 && text.data[0] == '[';
    size_t colon = find_any(text, ":");
    if (!brackets && colon < text.len &&
        find_any(from(text, colon + 1), ":") < text.len - colon - 1)
        return sh_fail(error, SH_E_FORMAT,
                       "write an IPv6 address in brackets, as in http://[fd00::1]:20212");
    if (text.len == 0 || text.data[0] == ':')
        return sh_fail(error, SH_E_FORMAT, "the URL names no host");
    if (find_any(text, "%") < text.len && !brackets)
        return fail_host(error);
    if (find_any(text, "%") < text.len)
        return sh_fail(error, SH_E_FORMAT,
                       "an address with a zone (after '%%') is valid on one machine only: use an "
                       "address that is not link-local, or a host name");
    return text.data[text.len - 1] == ':' ? fail_port(userinfo, error) : SH_OK;
}

static sh_err fail_of(CURLUcode code, bool userinfo, sh_error *error)
{
    switch (code) {
    case CURLUE_BAD_PORT_NUMBER:
        return fail_port(userinfo, error);
    case CURLUE_BAD_IPV6:
        return sh_fail(error, SH_E_FORMAT, "the URL has no valid IPv6 address between [ and ]");
    case CURLUE_OUT_OF_MEMORY:
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    case CURLUE_BAD_HOSTNAME:
        return fail_host(error);
    default:
        return sh_fail(error, SH_E_FORMAT, "the URL is invalid: %s", curl_url_strerror(code));
    }
}

/* Copies the host, an IPv6 address without its brackets. */
static sh_err copy_host(const char *host, sh_url *url, sh_error *error)
{
    sh_slice text = sh_slice_of(host);
    struct in6_addr address;
    if (text.len > 2 && text.data[0] == '[')
        text = (sh_slice){.data = host + 1, .len = text.len - 2};
    if (text.len >= sizeof url->host)
        return sh_fail(error, SH_E_LIMIT, "the URL's host is longer than %zu bytes",
                       sizeof url->host - 1);
    copy(text, url->host);
    if (inet_pton(AF_INET6, url->host, &address) == 1 && IN6_IS_ADDR_LINKLOCAL(&address))
        return sh_fail(error, SH_E_FORMAT,
                       "a link-local address (fe80::) cannot be used without its zone: use "
                       "an address that is not link-local, or a host name");
    return SH_OK;
}

/* Sets *ret to a part, or NULL if the URL has none; the caller releases it with curl_free(). */
static CURLUcode get_part(CURLU *parts, CURLUPart part, CURLUcode absent, char **ret)
{
    CURLUcode code = curl_url_get(parts, part, ret, 0);
    return code == absent ? CURLUE_OK : code;
}

static sh_err read_userinfo(CURLU *parts, sh_url *url, sh_error *error)
{
    SH_CLEANUP(url_curl_free) char *user = NULL;
    SH_CLEANUP(url_curl_free) char *password = NULL;
    CURLUcode code = get_part(parts, CURLUPART_USER, CURLUE_NO_USER, &user);
    if (code == CURLUE_OK)
        code = get_part(parts, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD, &password);
    if (code != CURLUE_OK)
        return fail_of(code, true, error);
    sh_err err = SH_OK;
    if (user != NULL)
        err = read_credential(sh_slice_of(user), url->user, sizeof url->user, error);
    if (password != NULL && err == SH_OK)
        err = read_credential(sh_slice_of(password), url->password, sizeof url->password, error);
    if (password != NULL)
        explicit_bzero(password, strlen(password));
    return err;
}

static sh_err read_host_and_port(CURLU *parts, bool userinfo, sh_url *url, sh_error *error)
{
    SH_CLEANUP(url_curl_free) char *host = NULL;
    SH_CLEANUP(url_curl_free) char *port = NULL;
    uint64_t number = 0;
    CURLUcode code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK)
        code = get_part(parts, CURLUPART_PORT, CURLUE_NO_PORT, &port);
    if (code != CURLUE_OK)
        return fail_of(code, userinfo, error);
    if (port != NULL && (!sh_text_to_u64(sh_slice_of(port), 65535, &number) || number == 0))
        return fail_port(userinfo, error);
    url->port = (uint16_t)number;
    return copy_host(host, url, error);
}

/* Reads `user:password@host:port` of the URL `whole`. Only unix: may omit it. */
static sh_err read_authority(const char *whole, sh_slice authority, sh_url *url, sh_error *error)
{
    bool userinfo = has_userinfo(authority);
    sh_slice host = userinfo ? from(authority, find_any(authority, "@") + 1) : authority;
    if (strcmp(url->scheme, "unix") == 0)
        return authority.len == 0 ? SH_OK
                                  : sh_fail(error, SH_E_FORMAT,
                                            "a unix: URL contains only a path, as in unix:/run/x");
    sh_err err = check_host(host, userinfo, error);
    if (err != SH_OK)
        return err;
    SH_CLEANUP(url_curl_cleanup) CURLU *parts = curl_url();
    CURLUcode code = parts == NULL ? CURLUE_OUT_OF_MEMORY
                                   : curl_url_set(parts, CURLUPART_URL, whole, URL_CURL_FLAGS);
    if (code != CURLUE_OK)
        return fail_of(code, userinfo, error);
    err = read_userinfo(parts, url, error);
    return err == SH_OK ? read_host_and_port(parts, userinfo, url, error) : err;
}

/*
 * Copies the path as written, which libcurl does not preserve: it adds a '/' and drops an empty
 * query.
 */
static sh_err read_path(sh_slice text, sh_url *url, sh_error *error)
{
    if (text.len == 0)
        return SH_OK;
    bool slash = text.data[0] == '/';
    if (!slash && url->host[0] == '\0')
        return sh_fail(error, SH_E_FORMAT, "the URL has neither // and a host nor a path");
    assert(text.len + 1 < sizeof url->path); /* text.len < SH_URL_MAX - length of the scheme */
    url->path[0] = '/';                      /* `http://host?query` means `/?query` */
    copy(slash ? from(text, 1) : text, url->path + 1);
    return SH_OK;
}

static sh_err read_into(sh_slice text, sh_url *url, sh_error *error)
{
    char whole[SH_URL_MAX + 1];
    sh_slice rest = text;
    sh_err err = check_characters(text, error);
    if (err == SH_OK)
        err = read_scheme(&rest, url, error);
    if (err != SH_OK)
        return err;
    sh_slice authority = authority_of(text);
    if (authority.data != NULL && authority.data - 2 == rest.data) {
        copy(text, whole);
        err = read_authority(whole, authority, url, error);
        explicit_bzero(whole, sizeof whole);
        rest = from(rest, 2 + authority.len);
    } else if (rest.len == 0 || rest.data[0] != '/') {
        err = sh_fail(error, SH_E_FORMAT, "the URL has neither // and a host nor a path");
    }
    return err == SH_OK ? read_path(rest, url, error) : err;
}

static void wipe_url(sh_url *url)
{
    explicit_bzero(url, sizeof *url);
}

sh_err sh_url_read(sh_slice text, sh_url *ret, sh_error *error)
{
    SH_CLEANUP(wipe_url) sh_url url = {0};
    sh_err err = read_into(text, &url, error);
    if (err == SH_OK)
        *ret = url;
    return err;
}

sh_err sh_url_check_http(sh_slice text, sh_error *error)
{
    SH_CLEANUP(wipe_url) sh_url url = {0};
    sh_err err = read_into(text, &url, error);
    if (err != SH_OK)
        return err;
    if (strcmp(url.scheme, "http") != 0 && strcmp(url.scheme, "https") != 0)
        return sh_fail(error, SH_E_FORMAT, "the URL begins neither with http:// nor with https://");
    if (url.host[0] == '\0')
        return sh_fail(error, SH_E_FORMAT, "the URL names no host");
    if (has_userinfo(authority_of(text)))
        return sh_fail(error, SH_E_FORMAT,
                       "the URL has a user or password, but only the token is used");
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
