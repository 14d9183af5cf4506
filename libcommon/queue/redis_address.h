/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_ADDRESS_H
#define SH_REDIS_ADDRESS_H

#include "libcommon/base/error.h"
#include "libcommon/http/url.h"

#include <stdbool.h>

/* Where a Redis server is, and how to log in. */
typedef struct {
    sh_url url;        /* of a socket only its path */
    char database[16]; /* its number, "0" unless the URL names one */
    bool unix_socket;
    bool tls;
} sh_redis_address;

/*
 * Reads `redis://[user:password@]host[:port][/db]`, the same with rediss://, or `unix:/path`.
 * setting names where the text comes from, for messages. SH_E_CONFIG.
 */
sh_err sh_redis_address_read(const char *text, const char *setting, sh_redis_address *ret,
                             sh_error *error);

/* `host:port` or the socket's path, cut to what fits; without user and password. */
void sh_redis_address_print(const sh_redis_address *address, char *ret, size_t ret_bytes);

#endif
