/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/queue_reader.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/idle_time_repair.h"
#include "receiver/queue/receiver_scripts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES SH_REDIS_NUMBER_BYTES
#define PENDING_COUNT "64"   /* more than AGAIN_COUNT */
#define AGAIN_COUNT 8        /* redelivered entries in one batch */
#define LARGE_BYTES SH_MIB   /* after a larger batch the connection's buffer is freed */
#define REPLY_MARGIN_MS 4000 /* beyond the time that XREADGROUP blocks */
#define CLAIM_INTERVAL_MAX_MS 5000

struct queue_reader {
    sh_queue *queue;
    const char *consumer;
    int64_t claim_idle_ms;
    size_t outstanding;                 /* entries taken and not yet released */
    uint64_t connections;               /* at the last take: another one may lead elsewhere */
    bool drain;                         /* read own pending entries first … */
    char drained[QUEUE_ENTRY_ID_BYTES]; /* … after this one */
    int64_t claimed_ms;                 /* monotonic time of the last XAUTOCLAIM, 0: never */
    idle_time_cursor idle_times;
};

/* Next, all own pending entries are read before new ones. */
static void drain_anew(queue_reader *r)
{
    r->drain = true;
    (void)snprintf(r->drained, sizeof r->drained, "0");
}

sh_err queue_reader_new(sh_queue *queue, const char *consumer, int64_t claim_idle_ms,
                        queue_reader **ret, sh_error *error)
{
    queue_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to read the queue");
    r->queue = queue;
    r->consumer = consumer;
    r->claim_idle_ms = claim_idle_ms;
    drain_anew(r);
    *ret = r;
    return SH_OK;
}

void queue_reader_free(queue_reader *reader)
{
    free(reader);
}

sh_queue *queue_reader_queue(const queue_reader *reader)
{
    return reader->queue;
}

const char *queue_reader_consumer(const queue_reader *reader)
{
    return reader->consumer;
}

void queue_reader_release(queue_reader *reader, size_t count)
{
    reader->outstanding -= count < reader->outstanding ? count : reader->outstanding;
}

/* --- Reads from the group -------------------------------------------------------------------- */

static sh_err create_group(sh_queue *queue, sh_error *error)
{
    const group_create_arguments arguments = {.keys = {sh_slice_of(queue->stream)},
                                              .group = SH_SLICE(SH_QUEUE_GROUP)};
    return sh_queue_do_script(queue, &sh_script_group_create, SH_REDIS_ARGUMENTS(arguments), error);
}

/* If Redis lost the group, creates it again and repeats the read. */
static sh_err read_from_group(sh_queue *queue, const sh_redis_request *read, sh_redis_reply **ret,
                              sh_error *error)
{
    sh_error reason = {0};
    sh_err err = sh_redis_call_blocking(queue->redis, read, ret, &reason);
    if (err == SH_E_NOT_FOUND) {
        err = create_group(queue, error);
        if (err != SH_OK)
            return err;
        return sh_redis_call_blocking(queue->redis, read, ret, error);
    }
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", reason.message);
}

/*
 * Reads one entry: the consumer's own pending one after the id `from`, or a new one if from is ">".
 * block_ms < 0: does not wait.
 */
static sh_err read_entry(queue_reader *r, const char *from, int64_t block_ms, queue_batch *batch,
                         sh_error *error)
{
    char block[NUMBER_BYTES];
    sh_slice argv[11] = {SH_SLICE("XREADGROUP"),   SH_SLICE("GROUP"), SH_SLICE(SH_QUEUE_GROUP),
                         sh_slice_of(r->consumer), SH_SLICE("COUNT"), SH_SLICE("1")};
    size_t argc = 6;
    if (block_ms >= 0) {
        argv[argc++] = SH_SLICE("BLOCK");
        argv[argc++] = sh_redis_number(block_ms, block);
    }
    argv[argc++] = SH_SLICE("STREAMS");
    argv[argc++] = sh_slice_of(r->queue->stream);
    argv[argc++] = sh_slice_of(from);
    const sh_redis_request read = {argc, argv, (block_ms > 0 ? block_ms : 0) + REPLY_MARGIN_MS};
    sh_redis_reply *reply = NULL;
    sh_err err = read_from_group(r->queue, &read, &reply, error);
    if (err != SH_OK)
        return err;
    /* [[stream, entries]], or nil after block_ms */
    const sh_redis_reply *stream = sh_redis_at(reply, 0);
    return queue_batch_add(batch, stream == NULL ? NULL : sh_redis_at(stream, 1), reply, error);
}

/*
 * Reads the consumer's own pending entries one by one from the first to the last: entries that
 * merge holds back stay pending while the next are read.
 */
static sh_err read_pending(queue_reader *r, size_t bytes_max, queue_batch *batch, sh_error *error)
{
    for (size_t got = 0; got == queue_batch_count(batch) && got < AGAIN_COUNT &&
                         queue_batch_bytes(batch) < bytes_max;
         got++) {
        sh_err err = read_entry(r, r->drained, -1, batch, error);
        if (err != SH_OK)
            return err;
        if (queue_batch_count(batch) > got)
            (void)snprintf(r->drained, sizeof r->drained, "%s", queue_batch_at(batch, got)->id);
    }
    return SH_OK;
}

/* Takes over entries that were pending with another consumer for too long, one by one. */
static sh_err claim_entries(queue_reader *r, size_t bytes_max, queue_batch *batch, sh_error *error)
{
    char idle[NUMBER_BYTES], from[QUEUE_ENTRY_ID_BYTES] = "0";
    sh_slice idle_ms = sh_redis_number(r->claim_idle_ms, idle);
    /* Each XAUTOCLAIM examines only some pending entries, and replies where it stopped. */
    while (queue_batch_count(batch) < AGAIN_COUNT && queue_batch_bytes(batch) < bytes_max) {
        const sh_slice argv[] = {SH_SLICE("XAUTOCLAIM"),
                                 sh_slice_of(r->queue->stream),
                                 SH_SLICE(SH_QUEUE_GROUP),
                                 sh_slice_of(r->consumer),
                                 idle_ms,
                                 sh_slice_of(from),
                                 SH_SLICE("COUNT"),
                                 SH_SLICE("1")};
        const sh_redis_request read = {8, argv, REPLY_MARGIN_MS};
        sh_redis_reply *reply = NULL;
        sh_err err = read_from_group(r->queue, &read, &reply, error);
        if (err != SH_OK)
            return err;
        const sh_redis_reply *stopped = sh_redis_at(reply, 0);
        sh_slice next = stopped == NULL ? SH_SLICE("0-0") : sh_redis_text(stopped);
        (void)snprintf(from, sizeof from, "%.*s", (int)next.len, next.data);
        err = queue_batch_add(batch, sh_redis_at(reply, 1), reply, error);
        if (err != SH_OK || strcmp(from, "0-0") == 0)
            return err;
    }
    return SH_OK;
}

/*
 * Reads how often redelivered entries were delivered: the count shows entries that crash receivers.
 */
static sh_err read_deliveries(queue_reader *r, queue_batch *batch, sh_error *error)
{
    if (queue_batch_count(batch) == 0)
        return SH_OK;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_slice argv[] = {SH_SLICE("XPENDING"),
                             sh_slice_of(r->queue->stream),
                             SH_SLICE(SH_QUEUE_GROUP),
                             sh_slice_of(queue_batch_at(batch, 0)->id),
                             sh_slice_of(queue_batch_at(batch, queue_batch_count(batch) - 1)->id),
                             SH_SLICE(PENDING_COUNT),
                             sh_slice_of(r->consumer)};
    sh_err err = sh_redis_call(r->queue->redis, 7, argv, &reply, error);
    if (err != SH_OK)
        return err;
    /* [[id, consumer, idle ms, deliveries], …] */
    for (size_t i = 0; i < sh_redis_count(reply); i++) {
        const sh_redis_reply *pending = sh_redis_at(reply, i);
        if (sh_redis_count(pending) == 4)
            queue_batch_set_deliveries(batch, sh_redis_text(sh_redis_at(pending, 0)),
                                       sh_redis_integer(sh_redis_at(pending, 3)));
    }
    return SH_OK;
}

/* Takes the new entries in the stream, up to the limits, in one exchange. */
static sh_err take_new(queue_reader *r, const queue_limits *limits, queue_batch *batch,
                       sh_error *error)
{
    char entries[NUMBER_BYTES], bytes[NUMBER_BYTES];
    const take_arguments arguments = {
        .keys = {sh_slice_of(r->queue->stream)},
        .group = SH_SLICE(SH_QUEUE_GROUP),
        .consumer = sh_slice_of(r->consumer),
        .entries_max = sh_redis_number((int64_t)limits->entries_max, entries),
        .bytes_max = sh_redis_number((int64_t)limits->bytes_max, bytes),
    };
    sh_redis_reply *reply = NULL;
    sh_error reason = {0};
    sh_err err = sh_redis_script_run(r->queue->redis, &sh_script_take,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, &reason);
    /* Redis lost the group; the next read uses the new one. */
    if (err == SH_E_NOT_FOUND)
        return create_group(r->queue, error);
    return err == SH_OK ? queue_batch_add(batch, reply, reply, error)
                        : sh_fail(error, err, "%s", reason.message);
}

/* --- A batch --------------------------------------------------------------------------------- */

static bool claim_is_due(const queue_reader *r)
{
    int64_t half_ms = r->claim_idle_ms / 2;
    int64_t interval_ms = half_ms < CLAIM_INTERVAL_MAX_MS ? half_ms : CLAIM_INTERVAL_MAX_MS;
    return r->claimed_ms == 0 || sh_clock_monotonic_ms() - r->claimed_ms >= interval_ms;
}

static sh_err claim_from_others(queue_reader *r, size_t bytes_max, queue_batch *batch,
                                sh_error *error)
{
    sh_error reason = {0};
    sh_err err = queue_repair_idle_times(r->queue, &r->idle_times, &reason);
    if (err != SH_OK && err != SH_E_NOT_FOUND) /* claim_entries() creates a missing group */
        return sh_fail(error, err, "%s", reason.message);
    err = claim_entries(r, bytes_max, batch, error);
    if (err == SH_OK && queue_batch_count(batch) == 0) /* otherwise more may be waiting */
        r->claimed_ms = sh_clock_monotonic_ms();
    return err == SH_OK ? read_deliveries(r, batch, error) : err;
}

static sh_err fill_batch(queue_reader *r, const queue_limits *limits, queue_batch *batch,
                         sh_error *error)
{
    if (r->drain) {
        sh_err err = read_pending(r, limits->bytes_max, batch, error);
        if (err != SH_OK || queue_batch_count(batch) > 0)
            return err == SH_OK ? read_deliveries(r, batch, error) : err;
        r->drain = false;
    }
    if (claim_is_due(r)) {
        sh_err err = claim_from_others(r, limits->bytes_max, batch, error);
        if (err != SH_OK || queue_batch_count(batch) > 0)
            return err;
    }
    sh_err err = take_new(r, limits, batch, error);
    if (err != SH_OK || queue_batch_count(batch) > 0)
        return err;
    /* Waits for one entry and returns it as a batch of its own, as no other may follow. */
    return read_entry(r, ">", limits->block_ms > 0 ? limits->block_ms : -1, batch, error);
}

static void give_memory_back(queue_reader *r, const queue_batch *batch)
{
    if (queue_batch_bytes(batch) > LARGE_BYTES)
        sh_redis_shrink(r->queue->redis);
}

sh_err queue_reader_take(queue_reader *reader, const queue_limits *limits, queue_batch **ret,
                         sh_error *error)
{
    /*
     * After a failover the new master may still have entries with this consumer that it has
     * acknowledged: nobody else takes them while it renews its claims.
     */
    sh_err err = sh_redis_connect(reader->queue->redis, error);
    if (err != SH_OK)
        return err;
    uint64_t connections = sh_redis_connections(reader->queue->redis);
    if (reader->outstanding > 0 || connections != reader->connections) {
        drain_anew(reader);
        reader->outstanding = 0;
    }
    reader->connections = connections;
    queue_batch *batch = NULL;
    err = queue_batch_new(&batch, error);
    if (err != SH_OK)
        return err;
    err = fill_batch(reader, limits, batch, error);
    if (err != SH_OK) {
        drain_anew(reader); /* entries read before the failure are pending and must be read again */
        queue_batch_free(batch);
        return err;
    }
    give_memory_back(reader, batch);
    reader->outstanding = queue_batch_count(batch);
    *ret = batch;
    return SH_OK;
}

sh_err queue_reader_fetch(queue_reader *reader, const queue_fetch *fetch, queue_batch **ret,
                          sh_error *error)
{
    static_assert(QUEUE_FETCH_MAX == FETCH_IDS_MAX, "the script takes as many");
    assert(fetch->count > 0 && fetch->count <= QUEUE_FETCH_MAX);
    char bytes[NUMBER_BYTES];
    fetch_arguments arguments = {
        .keys = {sh_slice_of(reader->queue->stream)},
        .bytes_max = sh_redis_number((int64_t)fetch->bytes_max, bytes),
    };
    for (size_t i = 0; i < fetch->count; i++)
        arguments.id[i] = sh_slice_of(fetch->ids[i]);
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(arguments);
    all.argc -= FETCH_IDS_MAX - fetch->count;
    queue_batch *batch = NULL;
    sh_redis_reply *reply = NULL;
    sh_err err = queue_batch_new(&batch, error);
    if (err == SH_OK)
        err = sh_redis_script_run(reader->queue->redis, &sh_script_fetch, all, &reply, error);
    if (err == SH_OK)
        err = queue_batch_add(batch, reply, reply, error);
    if (err != SH_OK) {
        queue_batch_free(batch);
        return err;
    }
    give_memory_back(reader, batch);
    *ret = batch;
    return SH_OK;
}
