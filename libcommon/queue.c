/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue.h"

#include "libcommon/cleanup.h"
#include "libcommon/clock.h"
#include "libcommon/queue_internal.h"
#include "libcommon/queue_scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_MAJOR_MIN 7 /* scripts with flags */
#define NUMBER_BYTES 24

static void name_key(char ret[static SH_QUEUE_KEY_BYTES], const char *prefix, const char *what)
{
    int len = snprintf(ret, SH_QUEUE_KEY_BYTES, "%s:%s", prefix, what);
    assert(len > 0 && len < SH_QUEUE_KEY_BYTES);
}

sh_err sh_queue_new(const char *redis_url, const char *prefix, sh_queue **ret, sh_error *error)
{
    if (strlen(prefix) > SH_QUEUE_PREFIX_MAX)
        return sh_fail(error, SH_E_CONFIG, "SYNC_redis_prefix is longer than %d bytes",
                       SH_QUEUE_PREFIX_MAX);
    sh_queue *q = calloc(1, sizeof *q);
    if (q == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the queue");
    sh_err err = sh_redis_new(redis_url, &q->redis, error);
    if (err != SH_OK) {
        free(q);
        return err;
    }
    (void)snprintf(q->prefix, sizeof q->prefix, "%s", prefix);
    name_key(q->stream, prefix, "ingest");
    name_key(q->dead, prefix, "dead");
    name_key(q->dead_bytes, prefix, "dead:bytes");
    name_key(q->bytes, prefix, "bytes");
    name_key(q->digests, prefix, "digests");
    name_key(q->contacts, prefix, "contacts");
    name_key(q->failures, prefix, "failures");
    name_key(q->pull_names, prefix, "pull:names");
    name_key(q->nodes, prefix, "nodes");
    name_key(q->nodes_version, prefix, "nodes:version");
    name_key(q->nodes_used, prefix, "nodes:used");
    uint8_t holder[SH_ID_BYTES];
    sh_random(holder, sizeof holder);
    sh_hex_encode(holder, sizeof holder, q->holder);
    q->drain = true;
    *ret = q;
    return SH_OK;
}

void sh_queue_free(sh_queue *queue)
{
    if (queue == NULL)
        return;
    sh_redis_free(queue->redis);
    free(queue->waiting);
    free(queue);
}

sh_err sh_queue_do(sh_queue *queue, size_t argc, const sh_slice argv[], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    return sh_redis_call(queue->redis, argc, argv, -1, &reply, error);
}

sh_err sh_queue_do_script(sh_queue *queue, const char *script, size_t key_count, size_t argc,
                          const sh_slice argv[], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    return sh_redis_script(queue->redis, script, key_count, argc, argv, &reply, error);
}

static sh_err check_version(sh_queue *queue, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("INFO"), SH_SLICE("server")};
    sh_err err = sh_redis_call(queue->redis, 2, argv, -1, &reply, error);
    if (err != SH_OK)
        return err;
    const char *at =
        strstr(sh_redis_text(reply).len > 0 ? sh_redis_text(reply).data : "", "redis_version:");
    long major = at == NULL ? 0 : strtol(at + strlen("redis_version:"), NULL, 10);
    if (major < REDIS_MAJOR_MIN)
        return sh_fail(error, SH_E_UNSUPPORTED, "Redis is version %ld; %d.0 or newer is needed",
                       major, REDIS_MAJOR_MIN);
    return SH_OK;
}

sh_err sh_queue_check(sh_queue *queue, sh_error *error)
{
    sh_err err = check_version(queue, error);
    if (err != SH_OK)
        return err;
    /* Only a write tells a full, read-only or failing Redis from a healthy one. */
    char key[SH_QUEUE_KEY_BYTES];
    name_key(key, queue->prefix, "check");
    sh_slice argv[] = {SH_SLICE("SET"), sh_slice_of(key), SH_SLICE("1"), SH_SLICE("EX"),
                       SH_SLICE("60")};
    return sh_queue_do(queue, 5, argv, error);
}

sh_err sh_queue_put(sh_queue *queue, sh_slice envelope, const sh_envelope_header *header,
                    const char *mode, const char *nodes_version, sh_put *ret, sh_error *error)
{
    char id[SH_ID_HEX_BYTES];
    char id_key[SH_QUEUE_PREFIX_MAX + SH_ID_HEX_BYTES + 8];
    char now[NUMBER_BYTES], entries[NUMBER_BYTES], bytes[NUMBER_BYTES], memory[NUMBER_BYTES];
    sh_hex_encode(header->id, SH_ID_BYTES, id);
    (void)snprintf(id_key, sizeof id_key, "%s:id:%s", queue->prefix, id);
    (void)snprintf(now, sizeof now, "%" PRId64, sh_clock_unix_ms());
    (void)snprintf(entries, sizeof entries, "%d", SH_QUEUE_ENTRIES_MAX);
    (void)snprintf(bytes, sizeof bytes, "%lu", SH_QUEUE_BYTES_MAX);
    (void)snprintf(memory, sizeof memory, "%d", SH_ID_MEMORY_S);
    sh_slice argv[] = {sh_slice_of(queue->stream),
                       sh_slice_of(id_key),
                       sh_slice_of(queue->bytes),
                       sh_slice_of(queue->contacts),
                       sh_slice_of(queue->nodes_version),
                       envelope,
                       sh_slice_of(mode),
                       sh_slice_of(header->node),
                       sh_slice_of(now),
                       sh_slice_of(entries),
                       sh_slice_of(bytes),
                       sh_slice_of(memory),
                       sh_slice_of(nodes_version)};

    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script(queue->redis, script_put, 5, 13, argv, &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice answer = sh_redis_text(reply);
    if (sh_slice_equals(answer, SH_SLICE("full")))
        return sh_fail(error, SH_E_BUSY, "the queue is full: merge does not keep up");
    if (sh_slice_equals(answer, SH_SLICE("stale"))) {
        *ret = SH_PUT_STALE;
        return SH_OK;
    }
    bool duplicate = sh_slice_equals(answer, SH_SLICE("duplicate"));
    *ret = duplicate ? SH_PUT_DUPLICATE : SH_PUT_QUEUED;
    return SH_OK;
}

/* `<hex> <ms>` */
static bool read_digest(sh_slice text, uint8_t digest[static SH_DIGEST_BYTES], int64_t *merged_ms)
{
    const size_t hex = SH_DIGEST_HEX_BYTES - 1;
    uint64_t ms = 0;
    if (text.len <= hex + 1 ||
        !sh_hex_decode((sh_slice){text.data, hex}, digest, SH_DIGEST_BYTES) ||
        !sh_text_to_u64((sh_slice){text.data + hex + 1, text.len - hex - 1}, INT64_MAX, &ms))
        return false;
    *merged_ms = (int64_t)ms;
    return true;
}

sh_err sh_queue_digest_get(sh_queue *queue, sh_slice node, uint8_t digest[static SH_DIGEST_BYTES],
                           int64_t *merged_ms, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("HGET"), sh_slice_of(queue->digests), node};
    sh_err err = sh_redis_call(queue->redis, 3, argv, -1, &reply, error);
    if (err != SH_OK)
        return err;
    return read_digest(sh_redis_text(reply), digest, merged_ms)
               ? SH_OK
               : sh_fail(error, SH_E_NOT_FOUND, "no merge of this node is recorded");
}

sh_err sh_queue_digest_and_version(sh_queue *queue, sh_slice node,
                                   uint8_t digest[static SH_DIGEST_BYTES], int64_t *merged_ms,
                                   char version[static SH_NODES_VERSION_BYTES], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {sh_slice_of(queue->nodes_version), sh_slice_of(queue->digests), node};
    sh_err err = sh_redis_script(queue->redis, script_digest_get, 2, 3, argv, &reply, error);
    if (err != SH_OK)
        return err;
    if (sh_redis_count(reply) != 2)
        return sh_fail(error, SH_E_FORMAT, "Redis gave no digest");
    sh_slice text = sh_redis_text(sh_redis_at(reply, 0));
    (void)snprintf(version, SH_NODES_VERSION_BYTES, "%.*s", (int)text.len, text.data);
    if (!read_digest(sh_redis_text(sh_redis_at(reply, 1)), digest, merged_ms))
        *merged_ms = 0;
    return SH_OK;
}

sh_err sh_queue_contact(sh_queue *queue, sh_slice node, const char *mode, sh_error *error)
{
    char value[NUMBER_BYTES + 16];
    (void)snprintf(value, sizeof value, "%" PRId64 " %s", sh_clock_unix_ms(), mode);
    sh_slice argv[] = {SH_SLICE("HSET"), sh_slice_of(queue->contacts), node, sh_slice_of(value)};
    return sh_queue_do(queue, 4, argv, error);
}

#define SEEN_AT_ONCE 256

static sh_err put_some_seen(sh_queue *queue, const sh_queue_seen seen[], size_t count,
                            const char *mode, sh_error *error)
{
    sh_slice argv[2 + 2 * SEEN_AT_ONCE];
    char values[SEEN_AT_ONCE][NUMBER_BYTES + 16];
    argv[0] = SH_SLICE("HSET");
    argv[1] = sh_slice_of(queue->contacts);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(values[i], sizeof values[i], "%" PRId64 " %s", seen[i].ms, mode);
        argv[2 + 2 * i] = sh_slice_of(seen[i].node);
        argv[3 + 2 * i] = sh_slice_of(values[i]);
    }
    return sh_queue_do(queue, 2 + 2 * count, argv, error);
}

sh_err sh_queue_seen_put(sh_queue *queue, const sh_queue_seen seen[], size_t count,
                         const char *mode, sh_error *error)
{
    for (size_t at = 0; at < count; at += SEEN_AT_ONCE) {
        size_t some = count - at < SEEN_AT_ONCE ? count - at : SEEN_AT_ONCE;
        sh_err err = put_some_seen(queue, seen + at, some, mode, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}
