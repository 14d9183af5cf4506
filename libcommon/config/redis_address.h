/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_ADDRESS_H
#define SH_REDIS_ADDRESS_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SH_REDIS_HOSTS_MAX 16
#define SH_REDIS_FORMS                                                                             \
    "use redis://[user:password@]host[:port][,host...][/number], rediss://..., "                   \
    "redis+sentinel://[user:password@]host[:port][,host...]/master[/number] or unix:/path"

typedef struct {
    char host[256]; /* name or address, an IPv6 address without brackets */
    uint16_t port;
} sh_redis_host;

typedef struct {
    char user[256];     /* "": none */
    char password[256]; /* "": no login; a secret */
} sh_redis_login;

/* Where Redis is and how to log in: the parts of SYNC_redis_url. */
typedef struct {
    char socket[108]; /* path of a Unix socket; "": hosts are given instead */
    /* Servers, of which one is used (the others are of the same cluster), or sentinels. */
    sh_redis_host hosts[SH_REDIS_HOSTS_MAX];
    size_t host_count;
    sh_redis_login login; /* at the server */
    char database[16];    /* number; "0" unless the URL contains one */
    bool tls;
    char master[65]; /* the name that the sentinels have for the master; "": no Sentinel */
    sh_redis_login sentinel_login;
    bool sentinel_tls;
} sh_redis_address;

/*
 * Parses the forms above. With redis+sentinel:// or rediss+sentinel:// the hosts are sentinels
 * (port 26379 by default, otherwise 6379), and user and password are those of the servers.
 * `?sentinel_user=…&sentinel_password=…` log in at the sentinels, percent-encoded;
 * `sentinel_tls=yes` or `no`: otherwise as the servers. SH_E_CONFIG, whose message contains no
 * secret.
 */
sh_err sh_redis_address_read(const char *text, sh_redis_address *ret, sh_error *error);

/* Overwrites the secrets in it. For SH_CLEANUP, too. */
void sh_redis_address_wipe(sh_redis_address *address);

#endif
