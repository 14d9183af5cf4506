/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_CONNECTION_H
#define SH_REDIS_CONNECTION_H

#include "libcommon/config/redis_address.h"
#include "libcommon/queue/redis.h"
#include "libcommon/queue/redis_tls.h"

#include <hiredis/hiredis.h>

/* The struct behind sh_redis, and the functions that redis_commands.c and redis_connect.c share. */

struct sh_redis {
    sh_redis_address address;
    const sh_redis_texts *texts;
    redisContext *context;         /* NULL while there is no connection */
    sh_redis_tls *tls_state;       /* NULL before the first connection, and without TLS */
    char *ca_file;                 /* or NULL */
    char *key;                     /* see sh_redis_options; or NULL */
    int64_t timeout_ms;            /* set on the connection */
    uint64_t made;                 /* connections so far */
    bool leave;                    /* drop the connection after this exchange */
    sh_redis_host server;          /* connected, or tried last */
    size_t first_host;             /* index of the host to try first */
    sh_redis_host owner;           /* named by MOVED: the server to try before them; port 0: none */
    sh_redis *sentinels;           /* a connection to one of the sentinels; NULL without Sentinel */
    sh_redis_texts sentinel_texts; /* of that connection */
    uint64_t masters;              /* sh_redis_masters() when it was connected */
    int64_t recheck_ms;            /* monotonic; do not ask the sentinels again before */
    bool is_sentinel;              /* this object is such a connection */
};

/* Connects unless the existing connection is usable. */
sh_err sh_redis_be_connected(sh_redis *redis, sh_error *error);
void sh_redis_disconnect(sh_redis *redis);

/* Fails with the server's address and the setting that contains it. */
sh_err sh_redis_fail_at(const sh_redis *redis, sh_err code, const char *doing, const char *why,
                        sh_error *error);
/* Fails with hiredis's reason and drops the connection. */
sh_err sh_redis_lose(sh_redis *redis, const char *doing, sh_error *error);

sh_err sh_redis_set_timeout(sh_redis *redis, int64_t timeout_ms, sh_error *error);
/* Runs one command on the existing connection. The reply is not an error reply. */
sh_err sh_redis_run(sh_redis *redis, const sh_redis_request *request, redisReply **ret,
                    sh_error *error);

/* How often sh_redis_recheck_master() found another master, in the whole program. Thread-safe. */
uint64_t sh_redis_masters(void);

/*
 * Asks the sentinel that the connection leads to, or the next one that can be reached, which server
 * is the master. SH_E_CONFIG if it does not know the name.
 */
sh_err sh_redis_sentinel_ask(sh_redis *sentinel, const char *master, sh_redis_host *ret,
                             sh_error *error);

#endif
