/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 24
#define PENDING_COUNT "64" /* more than what comes back at once */
#define AGAIN_COUNT 8      /* entries that come back, of one batch */
#define ACK_COUNT 128      /* entries of one script call */
#define ACK_KEYS 5
#define ID_BYTES SH_QUEUE_ENTRY_ID_BYTES
#define LARGE_BYTES SH_MIB   /* a batch after whose reading the connection's memory is given back */
#define REPLY_MARGIN_MS 4000 /* beyond the time that XREADGROUP blocks */
#define CLAIM_INTERVAL_MAX_MS 5000

struct sh_queue_batch {
    sh_queue_entry *entries;
    size_t count, bytes;
    sh_redis_reply **replies; /* what the entries borrow from */
    size_t replies_count;
};

void sh_queue_batch_free(sh_queue_batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->replies_count; i++)
        sh_redis_reply_free(batch->replies[i]);
    free(batch->replies);
    free(batch->entries);
    free(batch);
}

size_t sh_queue_batch_count(const sh_queue_batch *batch)
{
    return batch->count;
}

const sh_queue_entry *sh_queue_batch_at(const sh_queue_batch *batch, size_t index)
{
    assert(index < batch->count);
    return &batch->entries[index];
}

/* The value of a field in an entry's flat list of names and values; empty where it is not there. */
static sh_slice field(const sh_redis_reply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < sh_redis_count(fields); i += 2)
        if (sh_slice_equals(sh_redis_text(sh_redis_at(fields, i)), sh_slice_of(name)))
            return sh_redis_text(sh_redis_at(fields, i + 1));
    return (sh_slice){"", 0};
}

/* Adds a reply's entries ([[id, [field, value, …] or nil], …]) and owns the reply from then on. */
static sh_err batch_add(sh_queue_batch *batch, const sh_redis_reply *list, sh_redis_reply *owned,
                        sh_error *error)
{
    size_t add = list == NULL ? 0 : sh_redis_count(list);
    sh_queue_entry *entries =
        reallocarray(batch->entries, batch->count + add + 1, sizeof *batch->entries);
    if (entries != NULL)
        batch->entries = entries;
    sh_redis_reply **replies =
        reallocarray(batch->replies, batch->replies_count + 1, sizeof(sh_redis_reply *));
    if (replies != NULL)
        batch->replies = replies;
    if (entries == NULL || replies == NULL) {
        sh_redis_reply_free(owned);
        return sh_fail(error, SH_E_MEMORY, "no memory for a batch of the queue");
    }
    batch->replies[batch->replies_count++] = owned;
    for (size_t i = 0; i < add; i++) {
        const sh_redis_reply *pair = sh_redis_at(list, i);
        sh_slice id =
            sh_redis_count(pair) == 2 ? sh_redis_text(sh_redis_at(pair, 0)) : (sh_slice){0};
        sh_queue_entry *entry = &batch->entries[batch->count];
        if (id.len == 0 || id.len >= sizeof entry->id)
            return sh_fail(error, SH_E_FORMAT, "Redis gave a stream entry without an id");
        const sh_redis_reply *fields = sh_redis_at(pair, 1);
        memcpy(entry->id, id.data, id.len);
        entry->id[id.len] = '\0';
        entry->envelope = field(fields, "e");
        entry->mode = field(fields, "m");
        entry->deliveries = 1;
        batch->bytes += entry->envelope.len;
        batch->count++;
    }
    return SH_OK;
}

static sh_err create_group(sh_queue *queue, sh_error *error)
{
    sh_slice argv[] = {sh_slice_of(queue->stream), SH_SLICE(SH_QUEUE_GROUP)};
    return sh_queue_do_script(queue, &sh_script_group_create, 1, 2, argv, error);
}

/* A read of the group; where Redis lost the group it is made again and the read repeated. */
static sh_err read_call(sh_queue *queue, size_t argc, const sh_slice argv[], int64_t timeout_ms,
                        sh_redis_reply **ret, sh_error *error)
{
    sh_error reason = {0};
    sh_err err = sh_redis_call(queue->redis, argc, argv, timeout_ms, ret, &reason);
    if (err == SH_E_NOT_FOUND) {
        err = create_group(queue, error);
        return err != SH_OK ? err : sh_redis_call(queue->redis, argc, argv, timeout_ms, ret, error);
    }
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", reason.message);
}

/* One entry. from is an id, for the consumer's own pending ones after it, or ">" for a new one;
   block_ms < 0: do not wait. */
static sh_err read_group(sh_queue *queue, const char *consumer, const char *from, int64_t block_ms,
                         sh_queue_batch *batch, sh_error *error)
{
    char block[NUMBER_BYTES];
    (void)snprintf(block, sizeof block, "%" PRId64, block_ms);
    sh_slice argv[11] = {SH_SLICE("XREADGROUP"), SH_SLICE("GROUP"), SH_SLICE(SH_QUEUE_GROUP),
                         sh_slice_of(consumer),  SH_SLICE("COUNT"), SH_SLICE("1")};
    size_t argc = 6;
    if (block_ms >= 0) {
        argv[argc++] = SH_SLICE("BLOCK");
        argv[argc++] = sh_slice_of(block);
    }
    argv[argc++] = SH_SLICE("STREAMS");
    argv[argc++] = sh_slice_of(queue->stream);
    argv[argc++] = sh_slice_of(from);

    sh_redis_reply *reply = NULL;
    int64_t timeout_ms = (block_ms > 0 ? block_ms : 0) + REPLY_MARGIN_MS;
    sh_err err = read_call(queue, argc, argv, timeout_ms, &reply, error);
    if (err != SH_OK)
        return err;
    /* [[stream, entries]], or nil where nothing came in time */
    const sh_redis_reply *stream = sh_redis_at(reply, 0);
    return batch_add(batch, stream == NULL ? NULL : sh_redis_at(stream, 1), reply, error);
}

/*
 * The consumer's own pending entries, one by one, from the first to the last: some of them may be
 * held, and stay pending when the next are read.
 */
static sh_err read_pending(sh_queue *queue, const char *consumer, size_t bytes_max,
                           sh_queue_batch *batch, sh_error *error)
{
    for (size_t got = 0; got == batch->count && got < AGAIN_COUNT && batch->bytes < bytes_max;
         got++) {
        sh_err err = read_group(queue, consumer, queue->drained, -1, batch, error);
        if (err != SH_OK)
            return err;
        if (batch->count > got)
            (void)snprintf(queue->drained, sizeof queue->drained, "%s", batch->entries[got].id);
    }
    return SH_OK;
}

static void drain_anew(sh_queue *queue)
{
    queue->drain = true;
    (void)snprintf(queue->drained, sizeof queue->drained, "0");
}

/* Takes over what another consumer has held for too long, one by one. */
static sh_err claim(sh_queue *queue, const char *consumer, int64_t idle_ms, size_t bytes_max,
                    sh_queue_batch *batch, sh_error *error)
{
    char idle[NUMBER_BYTES], from[ID_BYTES] = "0";
    (void)snprintf(idle, sizeof idle, "%" PRId64, idle_ms);
    /* Each call looks at a few of the pending entries only, and says where it stopped. */
    while (batch->count < AGAIN_COUNT && batch->bytes < bytes_max) {
        sh_slice argv[] = {SH_SLICE("XAUTOCLAIM"),   sh_slice_of(queue->stream),
                           SH_SLICE(SH_QUEUE_GROUP), sh_slice_of(consumer),
                           sh_slice_of(idle),        sh_slice_of(from),
                           SH_SLICE("COUNT"),        SH_SLICE("1")};
        sh_redis_reply *reply = NULL;
        sh_err err = read_call(queue, 8, argv, REPLY_MARGIN_MS, &reply, error);
        if (err != SH_OK)
            return err;
        const sh_redis_reply *stopped = sh_redis_at(reply, 0);
        sh_slice next = stopped == NULL ? SH_SLICE("0-0") : sh_redis_text(stopped);
        (void)snprintf(from, sizeof from, "%.*s", (int)next.len, next.data);
        err = batch_add(batch, sh_redis_at(reply, 1), reply, error);
        if (err != SH_OK || strcmp(from, "0-0") == 0)
            return err;
    }
    return SH_OK;
}

/* How often entries that come back were given out: what kills receivers is known by that. */
static sh_err read_deliveries(sh_queue *queue, const char *consumer, sh_queue_batch *batch,
                              sh_error *error)
{
    if (batch->count == 0)
        return SH_OK;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("XPENDING"),
                       sh_slice_of(queue->stream),
                       SH_SLICE(SH_QUEUE_GROUP),
                       sh_slice_of(batch->entries[0].id),
                       sh_slice_of(batch->entries[batch->count - 1].id),
                       SH_SLICE(PENDING_COUNT),
                       sh_slice_of(consumer)};
    sh_err err = sh_redis_call(queue->redis, 7, argv, -1, &reply, error);
    if (err != SH_OK)
        return err;
    /* [[id, consumer, idle ms, deliveries], …] */
    for (size_t i = 0; i < sh_redis_count(reply); i++) {
        const sh_redis_reply *pending = sh_redis_at(reply, i);
        if (sh_redis_count(pending) != 4)
            continue;
        sh_slice id = sh_redis_text(sh_redis_at(pending, 0));
        for (size_t at = 0; at < batch->count; at++)
            if (sh_slice_equals(id, sh_slice_of(batch->entries[at].id)))
                batch->entries[at].deliveries = sh_redis_integer(sh_redis_at(pending, 3));
    }
    return SH_OK;
}

static bool claim_is_due(const sh_queue *queue, int64_t idle_ms)
{
    int64_t interval = idle_ms / 2 < CLAIM_INTERVAL_MAX_MS ? idle_ms / 2 : CLAIM_INTERVAL_MAX_MS;
    return queue->claimed_ms == 0 || sh_clock_monotonic_ms() - queue->claimed_ms >= interval;
}

/* New entries that are there, up to the limits, in one exchange. */
static sh_err take_new(sh_queue *queue, const char *consumer, size_t count_max, size_t bytes_max,
                       sh_queue_batch *batch, sh_error *error)
{
    char count[NUMBER_BYTES], bytes[NUMBER_BYTES];
    (void)snprintf(count, sizeof count, "%zu", count_max);
    (void)snprintf(bytes, sizeof bytes, "%zu", bytes_max);
    sh_slice argv[] = {sh_slice_of(queue->stream), SH_SLICE(SH_QUEUE_GROUP), sh_slice_of(consumer),
                       sh_slice_of(count), sh_slice_of(bytes)};
    sh_redis_reply *reply = NULL;
    sh_error reason = {0};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_take, 1, 5, argv, &reply, &reason);
    /* Redis lost the group; the read that follows takes from the new one. */
    if (err == SH_E_NOT_FOUND)
        return create_group(queue, error);
    return err == SH_OK ? batch_add(batch, reply, reply, error)
                        : sh_fail(error, err, "%s", reason.message);
}

/* New entries; where there are none, waits for one. It is merged alone, since it may stay alone. */
static sh_err read_new(sh_queue *queue, const char *consumer, size_t count_max, size_t bytes_max,
                       int64_t block_ms, sh_queue_batch *batch, sh_error *error)
{
    sh_err err = take_new(queue, consumer, count_max, bytes_max, batch, error);
    if (err != SH_OK || batch->count > 0)
        return err;
    return read_group(queue, consumer, ">", block_ms > 0 ? block_ms : -1, batch, error);
}

static sh_err fill(sh_queue *queue, const char *consumer, size_t count_max, size_t bytes_max,
                   int64_t block_ms, int64_t claim_idle_ms, sh_queue_batch *batch, sh_error *error)
{
    if (queue->drain) {
        sh_err err = read_pending(queue, consumer, bytes_max, batch, error);
        if (err != SH_OK)
            return err;
        if (batch->count > 0)
            return read_deliveries(queue, consumer, batch, error);
        queue->drain = false;
    }
    if (claim_is_due(queue, claim_idle_ms)) {
        sh_error reason = {0};
        sh_err err = sh_queue_restamp(queue, &reason);
        if (err != SH_OK && err != SH_E_NOT_FOUND) /* claim() makes a group that is not there */
            return sh_fail(error, err, "%s", reason.message);
        err = claim(queue, consumer, claim_idle_ms, bytes_max, batch, error);
        if (err != SH_OK)
            return err;
        if (batch->count > 0) /* more may be waiting: claim again at the next call */
            return read_deliveries(queue, consumer, batch, error);
        queue->claimed_ms = sh_clock_monotonic_ms();
    }
    return read_new(queue, consumer, count_max, bytes_max, block_ms, batch, error);
}

sh_err sh_queue_take(sh_queue *queue, const char *consumer, size_t count_max, size_t bytes_max,
                     int64_t block_ms, int64_t claim_idle_ms, sh_queue_batch **ret, sh_error *error)
{
    if (queue->outstanding > 0) {
        drain_anew(queue);
        queue->outstanding = 0;
    }
    sh_queue_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a batch of the queue");
    sh_err err = fill(queue, consumer, count_max, bytes_max, block_ms, claim_idle_ms, batch, error);
    if (err != SH_OK) {
        drain_anew(queue); /* what came before the failure is pending and must be given again */
        sh_queue_batch_free(batch);
        return err;
    }
    if (batch->bytes > LARGE_BYTES)
        sh_redis_shrink(queue->redis);
    queue->outstanding = batch->count;
    *ret = batch;
    return SH_OK;
}

/* The node's name in an envelope, as the scripts find it; empty where there is none. */
static sh_slice node_in(sh_slice envelope)
{
    enum { NAME_LEN_AT = 6, NAME_AT = 112 };
    if (envelope.len <= NAME_AT)
        return (sh_slice){"", 0};
    size_t len = (uint8_t)envelope.data[NAME_LEN_AT];
    size_t rest = envelope.len - NAME_AT;
    return (sh_slice){envelope.data + NAME_AT, len < rest ? len : rest};
}

void sh_queue_hold(sh_queue *queue, size_t count)
{
    queue->outstanding -= count < queue->outstanding ? count : queue->outstanding;
}

sh_err sh_queue_fetch(sh_queue *queue, const char *const ids[], size_t count, size_t bytes_max,
                      sh_queue_batch **ret, sh_error *error)
{
    sh_slice argv[2 + SH_QUEUE_FETCH_MAX];
    char bytes[NUMBER_BYTES];
    assert(count > 0 && count <= SH_QUEUE_FETCH_MAX);
    (void)snprintf(bytes, sizeof bytes, "%zu", bytes_max);
    argv[0] = sh_slice_of(queue->stream);
    argv[1] = sh_slice_of(bytes);
    for (size_t i = 0; i < count; i++)
        argv[2 + i] = sh_slice_of(ids[i]);
    sh_queue_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a batch of the queue");
    sh_redis_reply *reply = NULL;
    sh_err err =
        sh_redis_script_run(queue->redis, &sh_script_fetch, 1, 2 + count, argv, &reply, error);
    if (err == SH_OK)
        err = batch_add(batch, reply, reply, error);
    if (err != SH_OK) {
        sh_queue_batch_free(batch);
        return err;
    }
    if (batch->bytes > LARGE_BYTES)
        sh_redis_shrink(queue->redis);
    *ret = batch;
    return SH_OK;
}

static sh_err ack_some(sh_queue *queue, const sh_queue_done done[], size_t count, sh_error *error)
{
    sh_slice argv[ACK_KEYS + 1 + 5 * ACK_COUNT];
    char lens[ACK_COUNT][NUMBER_BYTES];
    char values[ACK_COUNT][SH_DIGEST_HEX_BYTES + NUMBER_BYTES];
    assert(count <= ACK_COUNT);
    argv[0] = sh_slice_of(queue->stream);
    argv[1] = sh_slice_of(queue->bytes);
    argv[2] = sh_slice_of(queue->failures);
    argv[3] = sh_slice_of(queue->digests);
    argv[4] = sh_slice_of(queue->held);
    argv[ACK_KEYS] = SH_SLICE(SH_QUEUE_GROUP);
    for (size_t i = 0; i < count; i++) {
        char hex[SH_DIGEST_HEX_BYTES] = "";
        if (done[i].node != NULL)
            sh_hex_encode(done[i].digest, SH_DIGEST_BYTES, hex);
        (void)snprintf(lens[i], sizeof lens[i], "%zu", done[i].entry->envelope.len);
        (void)snprintf(values[i], sizeof values[i], "%s %" PRId64, hex, done[i].merged_ms);
        sh_slice *own = argv + ACK_KEYS + 1 + 5 * i;
        own[0] = sh_slice_of(done[i].entry->id);
        own[1] = sh_slice_of(lens[i]);
        own[2] = node_in(done[i].entry->envelope);
        own[3] = sh_slice_of(done[i].node == NULL ? "" : done[i].node);
        own[4] = sh_slice_of(values[i]);
    }
    sh_err err =
        sh_queue_do_script(queue, &sh_script_ack, ACK_KEYS, ACK_KEYS + 1 + 5 * count, argv, error);
    if (err == SH_OK)
        queue->outstanding -= count < queue->outstanding ? count : queue->outstanding;
    return err;
}

sh_err sh_queue_ack(sh_queue *queue, const sh_queue_done done[], size_t count, sh_error *error)
{
    for (size_t at = 0; at < count; at += ACK_COUNT) {
        size_t some = count - at < ACK_COUNT ? count - at : ACK_COUNT;
        sh_err err = ack_some(queue, done + at, some, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static void read_dropped(const sh_redis_reply *reply, sh_queue_dropped *ret)
{
    const struct {
        char *to;
        size_t room;
    } texts[] = {{ret->id, sizeof ret->id},
                 {ret->node, sizeof ret->node},
                 {ret->reason, sizeof ret->reason}};
    const sh_redis_reply *count = sh_redis_at(reply, 0);
    ret->count = count == NULL ? 0 : sh_redis_integer(count);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const sh_redis_reply *at = sh_redis_at(reply, i + 1);
        sh_slice text = at == NULL ? SH_SLICE("") : sh_redis_text(at);
        (void)snprintf(texts[i].to, texts[i].room, "%.*s", (int)text.len, text.data);
    }
}

sh_err sh_queue_bury(sh_queue *queue, const sh_queue_entry *entry, const sh_queue_burial *burial,
                     sh_queue_dropped *dropped, sh_error *error)
{
    const unsigned long limits[] = {SH_DEAD_ENTRIES_MAX, SH_DEAD_BYTES_MAX,
                                    SH_DEAD_NODE_ENTRIES_MAX, SH_DEAD_NODE_BYTES_MAX};
    char numbers[4][NUMBER_BYTES];
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(numbers[i], NUMBER_BYTES, "%lu", limits[i]);
    sh_slice argv[] = {sh_slice_of(queue->stream),
                       sh_slice_of(queue->bytes),
                       sh_slice_of(queue->failures),
                       sh_slice_of(queue->dead),
                       sh_slice_of(queue->dead_bytes),
                       sh_slice_of(queue->held),
                       sh_slice_of(queue->dead_held),
                       SH_SLICE(SH_QUEUE_GROUP),
                       sh_slice_of(entry->id),
                       entry->envelope,
                       entry->mode,
                       sh_slice_of(burial->reason),
                       sh_slice_of(numbers[0]),
                       sh_slice_of(numbers[1]),
                       sh_slice_of(burial->keep ? "1" : ""),
                       sh_slice_of(numbers[2]),
                       sh_slice_of(numbers[3])};
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_bury, 7, 17, argv, &reply, error);
    if (err != SH_OK)
        return err;
    if (dropped != NULL)
        read_dropped(reply, dropped);
    const sh_redis_reply *word = sh_redis_at(reply, 4);
    if (word != NULL && sh_slice_equals(sh_redis_text(word), SH_SLICE("full")))
        return sh_fail(
            error, SH_E_BUSY,
            "the dead letters are full, and the entry %s is not to be lost, because it "
            "is not its node's fault that it cannot be merged (%s): look at `dead list`, "
            "then `dead retry` or `dead drop`",
            entry->id, burial->reason);
    if (queue->outstanding > 0)
        queue->outstanding--;
    return SH_OK;
}

static sh_err count_failure(sh_queue *queue, const char *id, sh_slice add, int64_t *times,
                            sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {sh_slice_of(queue->failures), sh_slice_of(id), add};
    sh_err err =
        sh_redis_script_run(queue->redis, &sh_script_failures_add, 1, 3, argv, &reply, error);
    if (err == SH_OK)
        *times = sh_redis_integer(reply);
    return err;
}

sh_err sh_queue_failed(sh_queue *queue, const sh_queue_entry *entry, int64_t *times,
                       sh_error *error)
{
    return count_failure(queue, entry->id, SH_SLICE("1"), times, error);
}

sh_err sh_queue_failed_undo(sh_queue *queue, const char *id, sh_error *error)
{
    int64_t times;
    return count_failure(queue, id, SH_SLICE("-1"), &times, error);
}

sh_err sh_queue_digests_set(sh_queue *queue, const sh_queue_digest digests[], size_t count,
                            sh_error *error)
{
    sh_slice argv[1 + 2 * SH_QUEUE_DIGESTS_MAX];
    char values[SH_QUEUE_DIGESTS_MAX][SH_DIGEST_HEX_BYTES + NUMBER_BYTES];
    assert(count > 0 && count <= SH_QUEUE_DIGESTS_MAX);
    argv[0] = sh_slice_of(queue->digests);
    for (size_t i = 0; i < count; i++) {
        char hex[SH_DIGEST_HEX_BYTES];
        sh_hex_encode(digests[i].digest, SH_DIGEST_BYTES, hex);
        (void)snprintf(values[i], sizeof values[i], "%s %" PRId64, hex, digests[i].merged_ms);
        argv[1 + 2 * i] = sh_slice_of(digests[i].node);
        argv[2 + 2 * i] = sh_slice_of(values[i]);
    }
    return sh_queue_do_script(queue, &sh_script_digests_set, 1, 1 + 2 * count, argv, error);
}

sh_err sh_queue_digests_clear(sh_queue *queue, sh_error *error)
{
    sh_slice argv[] = {SH_SLICE("DEL"), sh_slice_of(queue->digests)};
    return sh_queue_do(queue, 2, argv, error);
}
