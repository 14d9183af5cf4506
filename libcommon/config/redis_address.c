/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/redis_address.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/percent.h"
#include "libcommon/base/text.h"
#include "libcommon/http/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SERVER_PORT 6379
#define SENTINEL_PORT 26379
#define DATABASE_MAX INT32_MAX

static void wipe_url(sh_url *url)
{
    explicit_bzero(url, sizeof *url);
}

void sh_redis_address_wipe(sh_redis_address *address)
{
    explicit_bzero(address, sizeof *address);
}

static sh_err fail_form(sh_error *error, const char *why)
{
    return sh_fail(error, SH_E_CONFIG, "%s; " SH_REDIS_FORMS, why);
}

/* --- The parts of one URL -------------------------------------------------------------------- */

static sh_err read_socket(const sh_url *url, sh_redis_address *ret, sh_error *error)
{
    if (url->path[0] == '\0' || strcmp(url->path, "/") == 0)
        return fail_form(error, "the socket's path is missing");
    size_t len = strlen(url->path);
    if (len >= sizeof ret->socket)
        return sh_fail(error, SH_E_CONFIG, "the socket's path is longer than %zu bytes",
                       sizeof ret->socket - 1);
    memcpy(ret->socket, url->path, len + 1);
    return SH_OK;
}

static sh_err read_database(sh_slice text, sh_redis_address *ret, sh_error *error)
{
    uint64_t number = 0;
    if (text.len > 0 && !sh_text_to_u64(text, DATABASE_MAX, &number))
        return fail_form(error, "the path must be a database number");
    (void)snprintf(ret->database, sizeof ret->database, "%u", (unsigned)number);
    return SH_OK;
}

/* Decodes into a field of ret_bytes, with the final NUL. */
static sh_err decode(sh_slice text, char *ret, size_t ret_bytes, const char *what, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf decoded = SH_BUF_INIT(SH_URL_MAX);
    sh_err err = sh_percent_decode(text, &decoded);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "no memory for the address of Redis");
    if (err != SH_OK || decoded.len == 0 || memchr(decoded.data, '\0', decoded.len) != NULL)
        return sh_fail(error, SH_E_CONFIG, "%s is empty or not percent-encoded correctly", what);
    if (decoded.len >= ret_bytes)
        return sh_fail(error, SH_E_CONFIG, "%s is longer than %zu bytes", what, ret_bytes - 1);
    (void)snprintf(ret, ret_bytes, "%.*s", (int)decoded.len, decoded.data);
    return SH_OK;
}

static sh_err read_parameter(sh_slice name, sh_slice value, sh_redis_address *ret, sh_error *error)
{
    sh_redis_login *login = &ret->sentinel_login;
    if (sh_slice_equals(name, SH_SLICE("sentinel_user")))
        return decode(value, login->user, sizeof login->user, "sentinel_user", error);
    if (sh_slice_equals(name, SH_SLICE("sentinel_password")))
        return decode(value, login->password, sizeof login->password, "sentinel_password", error);
    bool yes = sh_slice_equals(value, SH_SLICE("yes"));
    if (!sh_slice_equals(name, SH_SLICE("sentinel_tls")) ||
        (!yes && !sh_slice_equals(value, SH_SLICE("no"))))
        return sh_fail(error, SH_E_CONFIG,
                       "after the ? only sentinel_user=..., sentinel_password=... and "
                       "sentinel_tls=yes or no are known");
    ret->sentinel_tls = yes;
    return SH_OK;
}

/* Cuts text at the first c. The rest follows it; it is empty if there is no c. */
static sh_slice cut_at(sh_slice *text, char c)
{
    const char *at = text->len == 0 ? NULL : memchr(text->data, c, text->len);
    sh_slice rest = {.data = "", .len = 0};
    if (at == NULL)
        return rest;
    rest = (sh_slice){at + 1, text->len - (size_t)(at - text->data) - 1};
    text->len = (size_t)(at - text->data);
    return rest;
}

static sh_err read_query(sh_slice query, sh_redis_address *ret, sh_error *error)
{
    sh_err err = SH_OK;
    while (err == SH_OK && query.len > 0) {
        sh_slice name = query;
        query = cut_at(&name, '&');
        sh_slice value = cut_at(&name, '=');
        err = read_parameter(name, value, ret, error);
    }
    if (err == SH_OK && ret->sentinel_login.user[0] != '\0' &&
        ret->sentinel_login.password[0] == '\0')
        return sh_fail(error, SH_E_CONFIG, "sentinel_user needs a sentinel_password");
    return err;
}

/* `/master/number?query`, or `/number` without Sentinel. */
static sh_err read_path(const sh_url *url, bool sentinel, sh_redis_address *ret, sh_error *error)
{
    sh_slice path = sh_slice_of(url->path[0] == '/' ? url->path + 1 : url->path);
    if (!sentinel)
        return read_database(path, ret, error);
    sh_slice query = cut_at(&path, '?');
    sh_slice number = cut_at(&path, '/');
    if (path.len == 0)
        return fail_form(error, "the name of the master is missing, as in "
                                "redis+sentinel://host:26379/mymaster");
    sh_err err = decode(path, ret->master, sizeof ret->master, "the name of the master", error);
    if (err == SH_OK)
        err = read_database(number, ret, error);
    return err == SH_OK ? read_query(query, ret, error) : err;
}

/* --- Several hosts --------------------------------------------------------------------------- */

/* A URL with several hosts as three slices: what precedes the hosts, them, and what follows. */
typedef struct {
    sh_slice head, hosts, tail;
} url_parts;

static url_parts split_url(const char *text)
{
    const char *begin = strstr(text, "//");
    begin = begin == NULL ? text + strlen(text) : begin + 2;
    const char *end = begin + strcspn(begin, "/?#");
    const char *at = memrchr(begin, '@', (size_t)(end - begin));
    begin = at == NULL ? begin : at + 1;
    return (url_parts){.head = {text, (size_t)(begin - text)},
                       .hosts = {begin, (size_t)(end - begin)},
                       .tail = sh_slice_of(end)};
}

/* Reads the URL as if it had this host alone. */
static sh_err read_with_host(const url_parts *parts, sh_slice host, sh_url *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(2 * SH_URL_MAX);
    sh_error why = {0};
    sh_err err = sh_buf_append(&text, parts->head.data, parts->head.len);
    if (err == SH_OK)
        err = sh_buf_append(&text, host.data, host.len);
    if (err == SH_OK)
        err = sh_buf_append(&text, parts->tail.data, parts->tail.len);
    if (err == SH_OK && sh_url_read((sh_slice){text.data, text.len}, ret, &why) != SH_OK)
        return fail_form(error, why.message);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "no memory for the address of Redis");
}

static sh_err add_host(const sh_url *url, uint16_t port, sh_redis_address *ret, sh_error *error)
{
    if (url->host[0] == '\0')
        return fail_form(error, "the host is missing");
    if (ret->host_count == SH_REDIS_HOSTS_MAX)
        return sh_fail(error, SH_E_CONFIG, "it has more than %d hosts", SH_REDIS_HOSTS_MAX);
    sh_redis_host *host = &ret->hosts[ret->host_count++];
    (void)snprintf(host->host, sizeof host->host, "%s", url->host);
    host->port = url->port == 0 ? port : url->port;
    return SH_OK;
}

/* Reads what does not depend on the host. */
static sh_err read_common(const sh_url *url, bool sentinel, sh_redis_address *ret, sh_error *error)
{
    ret->tls = strncmp(url->scheme, "rediss", 6) == 0;
    ret->sentinel_tls = ret->tls;
    (void)snprintf(ret->login.user, sizeof ret->login.user, "%s", url->user);
    (void)snprintf(ret->login.password, sizeof ret->login.password, "%s", url->password);
    return read_path(url, sentinel, ret, error);
}

static sh_err read_hosts(const char *text, sh_redis_address *ret, sh_error *error)
{
    url_parts parts = split_url(text);
    SH_CLEANUP(wipe_url) sh_url url = {0};
    sh_slice rest = parts.hosts;
    sh_err err = SH_OK;
    bool more = true;
    while (err == SH_OK && more) {
        sh_slice host = rest;
        more = memchr(rest.data, ',', rest.len) != NULL;
        rest = cut_at(&host, ',');
        err = read_with_host(&parts, host, &url, error);
        bool sentinel = strstr(url.scheme, "+sentinel") != NULL;
        if (err == SH_OK)
            err = add_host(&url, sentinel ? SENTINEL_PORT : SERVER_PORT, ret, error);
        if (err == SH_OK && ret->host_count == 1)
            err = read_common(&url, sentinel, ret, error);
    }
    return err;
}

sh_err sh_redis_address_read(const char *text, sh_redis_address *ret, sh_error *error)
{
    static const char *const schemes[] = {
        "redis:", "rediss:", "redis+sentinel:", "rediss+sentinel:"};
    SH_CLEANUP(wipe_url) sh_url url = {0};
    sh_error why = {0};
    *ret = (sh_redis_address){.database = "0"};
    if (strncmp(text, "unix:", 5) == 0) {
        if (sh_url_read(sh_slice_of(text), &url, &why) != SH_OK)
            return fail_form(error, why.message);
        return read_socket(&url, ret, error);
    }
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            return read_hosts(text, ret, error);
    if (sh_url_read(sh_slice_of(text), &url, &why) != SH_OK)
        return fail_form(error, why.message);
    return fail_form(error, "unknown scheme");
}
