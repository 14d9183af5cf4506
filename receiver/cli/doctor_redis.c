/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/doctor_checks.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/doctor_clock.h"
#include "receiver/queue/server_facts.h"

#include <inttypes.h>
#include <string.h>

#define OLD_ENTRY_MS (15 * 60 * 1000)
#define NEAR_LIMIT(used, limit) ((limit) > 0 && (used) > (limit) / 10 * 8)
#define MIB(bytes) ((bytes) / (int64_t)SH_MIB)

static void check_memory(doctor *d, const server_facts *facts)
{
    if (!facts->has_info) {
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "Redis memory",
                      "its user (SYNC_redis_url) may not run INFO", NULL);
        return;
    }
    bool near = NEAR_LIMIT(facts->used_memory, facts->maxmemory);
    if (facts->maxmemory == 0)
        sh_doctor_add_format(d->report, SH_CHECK_OK, "Redis memory", NULL,
                             "%" PRId64 " MiB are used, without a limit (maxmemory)",
                             MIB(facts->used_memory));
    else
        sh_doctor_add_format(d->report, near ? SH_CHECK_WARNING : SH_CHECK_OK, "Redis memory",
                             near ? "start receivers that merge, or raise maxmemory in redis.conf"
                                  : NULL,
                             "%" PRId64 " of %" PRId64 " MiB (maxmemory) are used",
                             MIB(facts->used_memory), MIB(facts->maxmemory));
}

static void check_durability(doctor *d)
{
    const char *message = "";
    sh_queue_keeps keeps = sh_queue_keeps_of(d->queue, &message);
    if (keeps == SH_KEEPS_ALL)
        sh_doctor_add(d->report, SH_CHECK_OK, "Redis durability",
                      "what it confirms is on the disk, and nothing is evicted", NULL);
    else
        sh_doctor_add(
            d->report, SH_CHECK_WARNING, "Redis durability", message,
            "set `appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction` "
            "in redis.conf, and restart Redis");
}

static void check_replicas(doctor *d)
{
    const sh_queue_server *server = sh_queue_server_of(d->queue);
    int64_t needed = d->settings->redis_replicas;
    if (!server->has_replicas || (server->replicas == 0 && needed == 0))
        return;
    bool late = server->in_step < server->replicas;
    bool weak = needed > 0 && server->in_memory;
    sh_doctor_add_format(
        d->report, late || weak ? SH_CHECK_WARNING : SH_CHECK_OK, "Redis replicas",
        late   ? "check the replicas: `INFO replication` on each of them shows how far it is"
        : weak ? "only Redis 7.2 or later and Valkey, with SYNC_redis_durable=True, confirm from "
                 "the replicas' disks"
               : NULL,
        "%" PRId64 " of %" PRId64 " are in step, %" PRId64 " must confirm an entry%s",
        server->in_step, server->replicas, needed, weak ? ", when it is in their memory" : "");
}

static void check_queue(doctor *d, const server_facts *facts)
{
    sh_queue_depth depth;
    sh_error error = {.code = SH_OK};
    if (sh_queue_depth_get(d->queue, &depth, &error) != SH_OK) {
        sh_doctor_add(d->report, SH_CHECK_FAILED, "queue", error.message,
                      "check Redis (SYNC_redis_url)");
        return;
    }
    int64_t age_ms = facts->oldest_ms > 0 && facts->now_ms > facts->oldest_ms
                         ? facts->now_ms - facts->oldest_ms
                         : 0;
    bool full = NEAR_LIMIT(depth.entries, (int64_t)SH_QUEUE_ENTRIES_MAX) ||
                NEAR_LIMIT(depth.bytes, (int64_t)SH_QUEUE_BYTES_MAX);
    bool old = age_ms >= OLD_ENTRY_MS;
    sh_doctor_add_format(d->report, full || old ? SH_CHECK_WARNING : SH_CHECK_OK, "queue",
                         full || old ? "check that a receiver merges and is ready, or start more"
                                     : NULL,
                         "%" PRId64 " entries (%" PRId64 " MiB) wait, the oldest for %" PRId64 " s",
                         depth.entries, MIB(depth.bytes), age_ms / 1000);
    sh_doctor_add_format(d->report, depth.dead > 0 ? SH_CHECK_WARNING : SH_CHECK_OK, "dead letters",
                         depth.dead > 0 ? "`synchub-receiver dead list` shows why; then `dead "
                                          "retry` or `dead drop`"
                                        : NULL,
                         "%" PRId64 " entries could not be merged", depth.dead);
}

void doctor_check_redis(doctor *d)
{
    const sh_queue_options options = sh_queue_options_of(d->settings);
    sh_error error = {.code = SH_OK};
    server_facts facts;
    sh_queue *queue = NULL;
    sh_err err = sh_queue_open(&options, &queue, &error);
    sh_err fit = err == SH_OK ? sh_queue_check(queue, &error) : err;
    int64_t before_ms = sh_clock_unix_ms();
    sh_error reason = {.code = SH_OK};
    err = err == SH_OK ? server_facts_get(queue, &facts, &reason) : err;
    if (fit != SH_OK || err != SH_OK) {
        sh_doctor_add(d->report, SH_CHECK_FAILED, "Redis",
                      fit != SH_OK ? error.message : reason.message,
                      "check Redis, its configuration and SYNC_redis_url");
    } else {
        const sh_queue_server *server = sh_queue_server_of(queue);
        sh_doctor_add_format(d->report, SH_CHECK_OK, "Redis", NULL,
                             "%s accepts pushes; role %s%s%s", server->place, server->role,
                             facts.has_info ? ", version " : "", facts.version);
    }
    if (err != SH_OK) {
        sh_queue_free(queue);
        sh_doctor_add(d->report, SH_CHECK_SKIPPED, "queue", "Redis does not answer", NULL);
        return;
    }
    d->queue = queue;
    check_durability(d);
    check_replicas(d);
    check_memory(d, &facts);
    if (facts.now_ms > 0)
        sh_doctor_check_server_clock(d->report, "Redis", facts.now_ms, before_ms);
    check_queue(d, &facts);
}
