/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/os/host_addresses.h"
#include "libcommon/queue/redis_connection.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* Finds the right server, connects and logs in. */

#define CONNECT_TIMEOUT_MS 3000
#define REPLY_TIMEOUT_MS 4000
#define TOTAL_MS 5000 /* for all addresses of all servers; no further one is tried after it */
/* With several servers, one that hangs must leave time for the others. */
#define CONNECT_OF_SEVERAL_MS 1000
#define REPLY_OF_SEVERAL_MS 1500
#define MOVES_MAX 4 /* ends a loop of servers that name each other */

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static bool has_several(const sh_redis *r)
{
    return r->address.host_count > 1 || r->sentinels != NULL || r->is_sentinel;
}

static int64_t connect_timeout_ms(const sh_redis *r)
{
    return has_several(r) ? CONNECT_OF_SEVERAL_MS : CONNECT_TIMEOUT_MS;
}

/* --- Messages -------------------------------------------------------------------------------- */

void sh_redis_print_place(const sh_redis *redis, char ret[static SH_REDIS_PLACE_BYTES])
{
    const char *master = redis->address.master;
    ret[0] = '\0';
    if (redis->address.socket[0] != '\0')
        (void)snprintf(ret, SH_REDIS_PLACE_BYTES, "%s", redis->address.socket);
    else if (redis->server.port != 0)
        (void)snprintf(ret, SH_REDIS_PLACE_BYTES, "%s:%u%s%s", redis->server.host,
                       redis->server.port, master[0] == '\0' ? "" : " of master ", master);
}

sh_err sh_redis_fail_at(const sh_redis *redis, sh_err code, const char *doing, const char *why,
                        sh_error *error)
{
    char place[SH_REDIS_PLACE_BYTES];
    sh_redis_print_place(redis, place);
    return sh_fail(error, code, "%s at %s (%s): %s: %s", redis->is_sentinel ? "Sentinel" : "Redis",
                   place, redis->texts->url_setting, doing, why);
}

sh_err sh_redis_lose(sh_redis *redis, const char *doing, sh_error *error)
{
    const char *why = redis->context == NULL || redis->context->err == 0 ? strerror(ENOMEM)
                                                                         : redis->context->errstr;
    if (strcmp(why, strerror(EAGAIN)) == 0) /* how hiredis reports a time-out */
        why = "it hangs: is its machine or its disk overloaded?";
    sh_err err = sh_redis_fail_at(redis, SH_E_NETWORK, doing, why, error);
    sh_redis_disconnect(redis);
    return err;
}

/* --- One server ------------------------------------------------------------------------------ */

/* Discards the reply if ret is NULL. */
static sh_err run(sh_redis *r, size_t argc, const sh_slice argv[], redisReply **ret,
                  sh_error *error)
{
    redisReply *reply = NULL;
    const sh_redis_request request = {argc, argv,
                                      has_several(r) ? REPLY_OF_SEVERAL_MS : REPLY_TIMEOUT_MS};
    sh_err err = sh_redis_run(r, &request, &reply, error);
    if (err == SH_OK && ret != NULL)
        *ret = reply;
    else if (err == SH_OK)
        freeReplyObject(reply);
    return err;
}

static sh_err log_in(sh_redis *r, sh_error *error)
{
    sh_err err = SH_OK;
    sh_slice user = sh_slice_of(r->address.login.user);
    sh_slice password = sh_slice_of(r->address.login.password);
    if (password.len > 0 && user.len > 0)
        err = run(r, 3, (sh_slice[]){SH_SLICE("AUTH"), user, password}, NULL, error);
    else if (password.len > 0)
        err = run(r, 2, (sh_slice[]){SH_SLICE("AUTH"), password}, NULL, error);
    if (err == SH_OK && strcmp(r->address.database, "0") != 0)
        err = run(r, 2, (sh_slice[]){SH_SLICE("SELECT"), sh_slice_of(r->address.database)}, NULL,
                  error);
    return err;
}

#ifdef SYNCHUB_HIREDIS_TLS
static sh_err start_tls(sh_redis *r, sh_error *error)
{
    const char *why = NULL;
    sh_err err =
        r->tls_state == NULL ? sh_redis_tls_new(r->ca_file, r->texts, &r->tls_state, error) : SH_OK;
    if (err == SH_OK)
        err = sh_redis_set_timeout(r, connect_timeout_ms(r), error);
    if (err != SH_OK)
        return err;
    err = sh_redis_tls_begin(r->tls_state, r->context, r->server.host, &why);
    if (err == SH_OK || why == NULL)
        return err == SH_OK ? SH_OK : sh_redis_lose(r, "TLS", error);
    return sh_redis_fail_at(r, err, "TLS", why, error);
}
#else
static sh_err start_tls(sh_redis *r, sh_error *error)
{
    (void)r;
    return sh_fail(error, SH_E_UNSUPPORTED, SH_REDIS_WITHOUT_TLS);
}
#endif

/*
 * A TLS 1.3 server sends session tickets after the handshake, and hiredis reads them with the first
 * reply. Unread, they would look like the end of the connection (has_ended()).
 */
static sh_err read_tickets(sh_redis *r, sh_error *error)
{
    sh_error refused = {0};
    sh_err err = run(r, 1, (sh_slice[]){SH_SLICE("PING")}, NULL, &refused);
    if (err != SH_E_NETWORK && err != SH_E_MEMORY)
        return SH_OK; /* any reply will do, also an error */
    return sh_fail(error, err, "%s", refused.message);
}

static bool is_connected(const sh_redis *r)
{
    return r->context != NULL && r->context->err == 0;
}

/*
 * Tries the addresses of the host one after the other. The resolver is asked at each connection,
 * since a name may have got another address, and messages contain its answer.
 */
static sh_err connect_host(sh_redis *r, int64_t end_ms, sh_error *error)
{
    sh_host_addresses addresses;
    const char *why = NULL;
    const char *host = r->server.host;
    char doing[SH_REDIS_PLACE_BYTES];
    char found[SH_REDIS_PLACE_BYTES - 40];
    if (!sh_host_resolve(host, &addresses, &why))
        return sh_redis_fail_at(r, SH_E_NETWORK, "the host was not found by name", why, error);
    for (size_t i = 0; i < addresses.count && !is_connected(r); i++) {
        int64_t left_ms = end_ms - sh_clock_monotonic_ms();
        if (i > 0 && left_ms <= 0)
            break;
        sh_redis_disconnect(r);
        int64_t limit_ms = connect_timeout_ms(r);
        r->context = redisConnectWithTimeout(
            addresses.text[i], r->server.port,
            timeval_of(left_ms > 0 && left_ms < limit_ms ? left_ms : limit_ms));
    }
    if (is_connected(r))
        return SH_OK;
    sh_host_addresses_print(&addresses, host, found, sizeof found);
    (void)snprintf(doing, sizeof doing, "could not connect%s", found);
    return sh_redis_lose(r, doing, error);
}

static sh_err connect_socket(sh_redis *r, sh_error *error)
{
    r->context = redisConnectUnixWithTimeout(r->address.socket, timeval_of(CONNECT_TIMEOUT_MS));
    return is_connected(r) ? SH_OK : sh_redis_lose(r, "could not connect", error);
}

/* Connects to r->server or the socket. */
static sh_err connect_server(sh_redis *r, int64_t end_ms, sh_error *error)
{
    bool unix_socket = r->address.socket[0] != '\0';
    sh_err err = unix_socket ? connect_socket(r, error) : connect_host(r, end_ms, error);
    if (err != SH_OK)
        return err;
    r->timeout_ms = -1;
    if (!unix_socket)
        (void)redisEnableKeepAlive(r->context); /* optional: the connection works without */
    if (r->address.tls)
        err = start_tls(r, error);
    if (err == SH_OK)
        err = log_in(r, error);
    if (err == SH_OK && r->address.tls)
        err = read_tickets(r, error);
    if (err != SH_OK)
        sh_redis_disconnect(r);
    return err;
}

/* --- The right server ------------------------------------------------------------------------ */

/*
 * A server of a cluster that does not own the key's slot names its owner, which note_owner() of
 * redis_commands.c stores in r->owner. A user without the right to read the key learns it from the
 * first command.
 */
static sh_err check_owner(sh_redis *r, bool *moved, sh_error *error)
{
    sh_error refused = {0};
    *moved = false;
    r->owner.port = 0;
    if (r->key == NULL || r->sentinels != NULL)
        return SH_OK;
    sh_err err = run(r, 2, (sh_slice[]){SH_SLICE("GET"), sh_slice_of(r->key)}, NULL, &refused);
    *moved = r->owner.port != 0;
    if (sh_err_is_transient(err))
        return sh_fail(error, err, "%s", refused.message);
    return SH_OK;
}

/* With several servers, a replica is left for another one. A user without ROLE learns it later. */
static sh_err check_role(sh_redis *r, sh_error *error)
{
    redisReply *reply = NULL;
    sh_error refused = {0};
    if (!has_several(r) || r->is_sentinel)
        return SH_OK;
    sh_err err = run(r, 1, (sh_slice[]){SH_SLICE("ROLE")}, &reply, &refused);
    if (err != SH_OK)
        return sh_err_is_transient(err) ? sh_fail(error, err, "%s", refused.message) : SH_OK;
    bool replica = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                   reply->element[0]->type == REDIS_REPLY_STRING &&
                   strcmp(reply->element[0]->str, "slave") == 0;
    freeReplyObject(reply);
    if (!replica)
        return SH_OK;
    return sh_redis_fail_at(r, SH_E_BUSY, "connected",
                            "it is a replica, which accepts no writes: a failover may be going on",
                            error);
}

/* Connects to this server, or to the one that owns the keys instead. */
static sh_err use_server(sh_redis *r, sh_redis_host server, int64_t end_ms, sh_error *error)
{
    bool moved = true;
    sh_err err = SH_OK;
    for (int moves = 0; moved && moves <= MOVES_MAX; moves++) {
        sh_redis_disconnect(r);
        r->server = server;
        moved = false;
        err = connect_server(r, end_ms, error);
        if (err == SH_OK)
            err = check_owner(r, &moved, error);
        server = r->owner;
    }
    if (err == SH_OK && moved)
        err =
            sh_redis_fail_at(r, SH_E_BUSY, "connected",
                             "the servers of the cluster do not agree on who owns the keys", error);
    if (err == SH_OK)
        err = check_role(r, error);
    if (err != SH_OK)
        sh_redis_disconnect(r);
    return err;
}

/* Tries the hosts in turn, from the one that was right the last time. */
static sh_err use_some_host(sh_redis *r, int64_t end_ms, sh_error *error)
{
    size_t count = r->address.host_count;
    assert(count > 0);
    sh_error last = {0};
    sh_err err = SH_E_NETWORK;
    for (size_t i = 0; i < count; i++) {
        size_t at = (r->first_host + i) % count;
        if (i > 0 && sh_clock_monotonic_ms() >= end_ms)
            break;
        sh_error_clear(&last);
        err = use_server(r, r->address.hosts[at], end_ms, &last);
        if (err == SH_OK) {
            r->first_host = at;
            return SH_OK;
        }
    }
    r->first_host = (r->first_host + 1) % count;
    return sh_fail(error, err, "%s", last.message);
}

/* Asks the sentinels in turn until one of them names a server that is the master. */
static sh_err use_master(sh_redis *r, int64_t end_ms, sh_error *error)
{
    sh_redis *s = r->sentinels;
    sh_error last = {0};
    sh_err err = SH_E_NETWORK;
    for (size_t i = 0; i < s->address.host_count; i++) {
        sh_redis_host master;
        if (i > 0 && sh_clock_monotonic_ms() >= end_ms)
            break;
        sh_error_clear(&last);
        err = sh_redis_sentinel_ask(s, r->address.master, &master, &last);
        if (err == SH_OK)
            err = use_server(r, master, end_ms, &last);
        if (err == SH_OK)
            return SH_OK;
        sh_redis_disconnect(s);
        s->first_host = (s->first_host + 1) % s->address.host_count;
    }
    return sh_fail(error, err, "%s", last.message);
}

static sh_err connect_now(sh_redis *r, sh_error *error)
{
    int64_t end_ms = sh_clock_monotonic_ms() + TOTAL_MS;
    sh_redis_host owner = r->owner;
    sh_err err = SH_E_NETWORK;
    r->owner.port = 0; /* it is tried once */
    r->masters = sh_redis_masters();
    if (r->address.socket[0] != '\0')
        err = connect_server(r, end_ms, error);
    else if (r->sentinels != NULL)
        err = use_master(r, end_ms, error);
    else if (owner.port == 0 || (err = use_server(r, owner, end_ms, NULL)) != SH_OK)
        err = use_some_host(r, end_ms, error);
    if (err == SH_OK)
        r->made++;
    return err;
}

static bool has_ended(const sh_redis *r)
{
    struct pollfd fd = {.fd = r->context->fd, .events = POLLIN | POLLRDHUP};
    return poll(&fd, 1, 0) != 0;
}

sh_err sh_redis_be_connected(sh_redis *redis, sh_error *error)
{
    bool demoted = redis->sentinels != NULL && redis->masters != sh_redis_masters();
    /* Between commands the server sends nothing: a readable connection has ended. */
    if (redis->context != NULL && (demoted || has_ended(redis)))
        sh_redis_disconnect(redis);
    return redis->context == NULL ? connect_now(redis, error) : SH_OK;
}
