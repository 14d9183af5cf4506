/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/queue/queue_handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The server's role and replicas, and waiting until these have what was put. */

#define CONFIRM_MS "1000" /* shorter than the time-out of a reply */
#define PROBE_MS "100"
#define PROBE_INTERVAL_MS 500

/* --- ROLE ------------------------------------------------------------------------------------ */

/*
 * A master's reply: "master", its replication offset, and for each replica its address, port and
 * the offset that it acknowledged, once a second, as texts.
 */
static void read_master(sh_queue *queue, const sh_redis_reply *role)
{
    const sh_redis_reply *replicas = sh_redis_count(role) < 3 ? NULL : sh_redis_at(role, 2);
    size_t count = replicas == NULL ? 0 : sh_redis_count(replicas);
    bool same = queue->offset_on == sh_redis_connections(queue->redis);
    queue->server.role = "master";
    queue->server.has_replicas = true;
    queue->server.replicas = (int64_t)count;
    queue->server.in_step = 0;
    for (size_t i = 0; i < count; i++) {
        const sh_redis_reply *replica = sh_redis_at(replicas, i);
        uint64_t offset = 0;
        if (sh_redis_count(replica) == 3 &&
            sh_text_to_u64(sh_redis_text(sh_redis_at(replica, 2)), INT64_MAX, &offset) &&
            (!same || offset >= queue->offset))
            queue->server.in_step++;
    }
    queue->offset = (uint64_t)sh_redis_integer(sh_redis_at(role, 1));
    queue->offset_on = sh_redis_connections(queue->redis);
}

sh_err sh_queue_read_role(sh_queue *queue, const sh_redis_command *role, sh_error *error)
{
    queue->server = (sh_queue_server){.role = "unknown"};
    sh_redis_print_place(queue->redis, queue->server.place);
    if (role->err != SH_OK)
        return sh_err_is_transient(role->err)
                   ? sh_fail(error, role->err, "%s", role->error->message)
                   : SH_OK;
    sh_slice word = sh_redis_count(role->reply) == 0 ? SH_SLICE("")
                                                     : sh_redis_text(sh_redis_at(role->reply, 0));
    if (sh_slice_equals(word, SH_SLICE("master"))) {
        read_master(queue, role->reply);
        return SH_OK;
    }
    queue->server.role = "replica";
    sh_redis_leave(queue->redis);
    return sh_fail(error, SH_E_BUSY,
                   "Redis at %s (SYNC_redis_url) is a replica, which accepts no writes: looking "
                   "for the master",
                   queue->server.place);
}

const sh_queue_server *sh_queue_server_of(const sh_queue *queue)
{
    return &queue->server;
}

/* --- Replicas -------------------------------------------------------------------------------- */

sh_err sh_queue_check_replicas(const sh_queue *queue, sh_error *error)
{
    const sh_queue_server *server = &queue->server;
    if (!server->has_replicas || server->replicas >= queue->replicas_needed)
        return SH_OK;
    return sh_fail(error, SH_E_BUSY,
                   "Redis at %s has %" PRId64 " replicas, fewer than SYNC_redis_replicas asks for "
                   "(%" PRId64 ")",
                   server->place, server->replicas, queue->replicas_needed);
}

/* The number of replicas that confirmed, from the reply to WAITAOF or WAIT; -1: the server's disk
 * did not. */
static int64_t confirmed_of(const sh_redis_reply *reply, int64_t local)
{
    if (sh_redis_kind_of(reply) == SH_REDIS_INTEGER)
        return sh_redis_integer(reply);
    if (sh_redis_count(reply) != 2 || sh_redis_integer(sh_redis_at(reply, 0)) < local)
        return -1;
    return sh_redis_integer(sh_redis_at(reply, 1));
}

/*
 * The server confirms what was written on this connection. The write of the fence puts a
 * connection's wait behind all writes before it, also those of other connections.
 */
static sh_err await(sh_queue *queue, bool aof, const char *timeout_ms, int64_t *ret,
                    sh_error *error)
{
    char needed[SH_REDIS_NUMBER_BYTES];
    sh_slice count = sh_redis_number(queue->replicas_needed, needed);
    sh_slice set[] = {SH_SLICE("SET"), sh_slice_of(queue->fence), SH_SLICE("1")};
    int64_t local = queue->must_keep ? 1 : 0;
    sh_slice waitaof[] = {SH_SLICE("WAITAOF"), local == 1 ? SH_SLICE("1") : SH_SLICE("0"), count,
                          sh_slice_of(timeout_ms)};
    sh_slice wait[] = {SH_SLICE("WAIT"), count, sh_slice_of(timeout_ms)};
    sh_error reasons[2] = {{0}};
    sh_redis_command commands[] = {
        {.argc = 3, .argv = set, .error = &reasons[0]},
        {.argc = aof ? 4 : 3, .argv = aof ? waitaof : wait, .error = &reasons[1]},
    };
    sh_redis_call_each(queue->redis, commands, 2);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *done = commands[0].reply;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = commands[1].reply;
    (void)done;
    for (size_t i = 0; i < 2; i++)
        if (commands[i].err != SH_OK)
            return sh_fail(error, commands[i].err, "%s", reasons[i].message);
    *ret = confirmed_of(reply, local);
    return SH_OK;
}

static bool is_unknown_command(sh_err err, const sh_error *error)
{
    return err == SH_E_FORMAT && strstr(error->message, "unknown command") != NULL;
}

static sh_err await_within(sh_queue *queue, const char *timeout_ms, sh_error *error)
{
    uint64_t connection = sh_redis_connections(queue->redis);
    int64_t confirmed = 0;
    sh_error reason = {0};
    bool aof = !queue->lacks_waitaof || queue->lacks_waitaof_on != connection;
    sh_err err = await(queue, aof, timeout_ms, &confirmed, &reason);
    if (aof && is_unknown_command(err, &reason)) {
        queue->lacks_waitaof = true;
        queue->lacks_waitaof_on = connection;
        sh_error_clear(&reason);
        err = await(queue, false, timeout_ms, &confirmed, &reason);
    }
    if (err != SH_OK)
        return sh_fail(error, err, "%s", reason.message);
    if (confirmed >= queue->replicas_needed)
        return SH_OK;
    if (confirmed < 0)
        return sh_fail(error, SH_E_BUSY, "Redis at %s has not synced its append-only file in time",
                       queue->server.place);
    return sh_fail(error, SH_E_BUSY,
                   "%" PRId64 " replicas of Redis at %s have confirmed in time, fewer than "
                   "SYNC_redis_replicas asks for (%" PRId64 ")",
                   confirmed, queue->server.place, queue->replicas_needed);
}

sh_err sh_queue_await_replicas(sh_queue *queue, sh_error *error)
{
    if (queue->replicas_needed == 0)
        return SH_OK;
    sh_err err = await_within(queue, CONFIRM_MS, error);
    queue->replicas_failed_ms = err == SH_OK ? 0 : sh_clock_monotonic_ms();
    return err;
}

sh_err sh_queue_retry_replicas(sh_queue *queue, sh_error *error)
{
    if (queue->replicas_needed == 0 || queue->replicas_failed_ms == 0)
        return SH_OK;
    if (sh_clock_monotonic_ms() - queue->replicas_failed_ms < PROBE_INTERVAL_MS)
        return sh_fail(error, SH_E_BUSY,
                       "too few replicas of Redis at %s confirm what is written "
                       "(SYNC_redis_replicas=%" PRId64 ")",
                       queue->server.place, queue->replicas_needed);
    sh_err err = await_within(queue, PROBE_MS, error);
    queue->replicas_failed_ms = err == SH_OK ? 0 : sh_clock_monotonic_ms();
    return err;
}
