/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/queue/redis_connection.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/*
 * Redis Sentinel: a sentinel names the master of a group of servers. Follows "Guidelines for Redis
 * clients with support for Redis Sentinel" in Redis's documentation.
 */

#define REPLY_TIMEOUT_MS 1000
#define HOST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:%"
#define RECHECK_MS 2000
#define RECHECK_AFTER_FAILURE_MS 30000 /* sentinels that hang must not delay each check */

static _Atomic uint64_t masters;

uint64_t sh_redis_masters(void)
{
    return atomic_load(&masters);
}

static bool is_host(sh_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\0' || strchr(HOST_CHARACTERS, text.data[i]) == NULL)
            return false;
    return text.len > 0;
}

sh_err sh_redis_sentinel_ask(sh_redis *sentinel, const char *master, sh_redis_host *ret,
                             sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_slice argv[] = {SH_SLICE("SENTINEL"), SH_SLICE("GET-MASTER-ADDR-BY-NAME"),
                             sh_slice_of(master)};
    const sh_redis_request request = {3, argv, REPLY_TIMEOUT_MS};
    sh_err err = sh_redis_call_blocking(sentinel, &request, &reply, error);
    if (err != SH_OK)
        return err;
    uint64_t port = 0;
    bool pair = sh_redis_count(reply) == 2;
    sh_slice host = pair ? sh_redis_text(sh_redis_at(reply, 0)) : SH_SLICE("");
    if (sh_redis_kind_of(reply) == SH_REDIS_NIL) {
        char why[128];
        (void)snprintf(why, sizeof why, "it knows no master of the name %s", master);
        return sh_redis_fail_at(sentinel, SH_E_CONFIG, "asked for the master", why, error);
    }
    if (!is_host(host) || host.len >= sizeof ret->host ||
        !sh_text_to_u64(sh_redis_text(sh_redis_at(reply, 1)), UINT16_MAX, &port) || port == 0)
        return sh_redis_fail_at(sentinel, SH_E_FORMAT, "asked for the master",
                                "it replied no address", error);
    *ret = (sh_redis_host){.port = (uint16_t)port};
    memcpy(ret->host, host.data, host.len);
    return SH_OK;
}

void sh_redis_recheck_master(sh_redis *redis)
{
    sh_redis_host master = {.port = 0};
    int64_t now_ms = sh_clock_monotonic_ms();
    if (redis->sentinels == NULL || redis->context == NULL || now_ms < redis->recheck_ms)
        return;
    sh_err err = sh_redis_sentinel_ask(redis->sentinels, redis->address.master, &master, NULL);
    if (err != SH_OK)
        sh_redis_disconnect(redis->sentinels);
    redis->recheck_ms = now_ms + (err == SH_OK ? RECHECK_MS : RECHECK_AFTER_FAILURE_MS);
    if (err == SH_OK &&
        (master.port != redis->server.port || strcmp(master.host, redis->server.host) != 0))
        (void)atomic_fetch_add(&masters, 1);
}
