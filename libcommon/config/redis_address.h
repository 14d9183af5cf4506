/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_ADDRESS_H
#define SH_REDIS_ADDRESS_H

#include "libcommon/base/error.h"
#include "libcommon/http/url.h"

#include <stdbool.h>

/* A Redis server's address and credentials. */
typedef struct {
    sh_url url;        /* of a Unix socket only the path */
    char database[16]; /* number; "0" unless the URL contains one */
    bool unix_socket;
    bool tls;
} sh_redis_address;

/*
 * Parses `redis://[user:password@]host[:port][/db]`, the same with rediss://, or `unix:/path`.
 * setting is the name of the setting that contains text, for messages. SH_E_CONFIG.
 */
sh_err sh_redis_address_read(const char *text, const char *setting, sh_redis_address *ret,
                             sh_error *error);

/* `host:port` or the socket's path, cut to what fits; without user and password. */
void sh_redis_address_print(const sh_redis_address *address, char *ret, size_t ret_bytes);

#endif
