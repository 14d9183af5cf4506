/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/redis_address.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_PORT 6379

static sh_err read_socket(const char *text, const char *setting, sh_redis_address *ret,
                          sh_error *error)
{
    const char *path = strncmp(text, "unix://", 7) == 0 ? text + 7 : text + 5;
    ret->unix_socket = true;
    (void)snprintf(ret->url.path, sizeof ret->url.path, "%s", path);
    if (path[0] != '/' || strlen(path) >= sizeof ret->url.path)
        return sh_fail(error, SH_E_CONFIG, "%s: a socket is written unix:/path/to/socket", setting);
    return SH_OK;
}

/* redis://host/2: the path names the database. */
static sh_err read_database(const char *setting, sh_redis_address *ret, sh_error *error)
{
    const char *path = ret->url.path[0] == '/' ? ret->url.path + 1 : ret->url.path;
    uint64_t number = 0;
    if (path[0] != '\0' && !sh_text_to_u64(sh_slice_of(path), 1000000, &number))
        return sh_fail(error, SH_E_CONFIG,
                       "%s does not end with a database number, as in redis://host:6379/0",
                       setting);
    (void)snprintf(ret->database, sizeof ret->database, "%u", (unsigned)number);
    return SH_OK;
}

sh_err sh_redis_address_read(const char *text, const char *setting, sh_redis_address *ret,
                             sh_error *error)
{
    sh_error reason = {0};
    *ret = (sh_redis_address){.database = "0"};
    if (strncmp(text, "unix:", 5) == 0)
        return read_socket(text, setting, ret, error);
    if (sh_url_read(sh_slice_of(text), &ret->url, &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "%s: %s", setting, reason.message);
    ret->tls = strcmp(ret->url.scheme, "rediss") == 0;
    if (!ret->tls && strcmp(ret->url.scheme, "redis") != 0)
        return sh_fail(error, SH_E_CONFIG,
                       "%s begins with %s:// instead of redis://, rediss:// or unix:", setting,
                       ret->url.scheme);
    if (ret->url.port == 0)
        ret->url.port = DEFAULT_PORT;
    return read_database(setting, ret, error);
}

void sh_redis_address_print(const sh_redis_address *address, char *ret, size_t ret_bytes)
{
    if (address->unix_socket)
        (void)snprintf(ret, ret_bytes, "%s", address->url.path);
    else
        (void)snprintf(ret, ret_bytes, "%s:%u", address->url.host, address->url.port);
}
