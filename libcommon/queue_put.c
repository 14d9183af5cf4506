/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/cleanup.h"
#include "libcommon/clock.h"
#include "libcommon/limits.h"
#include "libcommon/queue_internal.h"
#include "libcommon/queue_scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* For those who fill the queue: ingest and puller. */

#define NUMBER_BYTES 24
#define PUT_KEYS 6
#define PUT_ARGUMENTS (SH_REDIS_SCRIPT_ARGUMENTS + 16)

/* What is the same for all puts of one exchange, as text. */
typedef struct {
    char now[NUMBER_BYTES], entries[NUMBER_BYTES], bytes[NUMBER_BYTES], memory[NUMBER_BYTES];
    char unchanged[NUMBER_BYTES];
} put_numbers;

/* What is each put's own. */
typedef struct {
    char id_key[SH_QUEUE_PREFIX_MAX + SH_ID_HEX_BYTES + 8];
    char digest[SH_DIGEST_HEX_BYTES];
    sh_slice argv[PUT_ARGUMENTS];
} put_texts;

static void write_numbers(put_numbers *n)
{
    (void)snprintf(n->now, sizeof n->now, "%" PRId64, sh_clock_unix_ms());
    (void)snprintf(n->entries, sizeof n->entries, "%d", SH_QUEUE_ENTRIES_MAX);
    (void)snprintf(n->bytes, sizeof n->bytes, "%lu", SH_QUEUE_BYTES_MAX);
    (void)snprintf(n->memory, sizeof n->memory, "%d", SH_ID_MEMORY_S);
    (void)snprintf(n->unchanged, sizeof n->unchanged, "%lld", SH_FULL_TABLE_INTERVAL_S * 1000LL);
}

static void write_put(const sh_queue *queue, const put_numbers *n, const sh_queue_put_item *item,
                      put_texts *t)
{
    char id[SH_ID_HEX_BYTES];
    sh_hex_encode(item->header->id, SH_ID_BYTES, id);
    (void)snprintf(t->id_key, sizeof t->id_key, "%s:id:%s", queue->prefix, id);
    t->digest[0] = '\0';
    if (item->unless_unchanged)
        sh_hex_encode(item->header->digest, SH_DIGEST_BYTES, t->digest);
    const sh_slice own[] = {sh_slice_of(queue->stream),
                            sh_slice_of(t->id_key),
                            sh_slice_of(queue->bytes),
                            sh_slice_of(queue->contacts),
                            sh_slice_of(queue->nodes_version),
                            sh_slice_of(queue->digests),
                            item->envelope,
                            sh_slice_of(item->mode),
                            sh_slice_of(item->header->node),
                            sh_slice_of(n->now),
                            sh_slice_of(n->entries),
                            sh_slice_of(n->bytes),
                            sh_slice_of(n->memory),
                            sh_slice_of(item->nodes_version),
                            sh_slice_of(t->digest),
                            sh_slice_of(n->unchanged)};
    static_assert(sizeof own == sizeof t->argv - SH_REDIS_SCRIPT_ARGUMENTS * sizeof(sh_slice),
                  "a put has so many keys and arguments");
    memcpy(t->argv + SH_REDIS_SCRIPT_ARGUMENTS, own, sizeof own);
}

static void read_put(const sh_redis_command *command, sh_queue_put_item *item)
{
    static const struct {
        const char *word;
        sh_put put;
    } outcomes[] = {{"queued", SH_PUT_QUEUED},
                    {"duplicate", SH_PUT_DUPLICATE},
                    {"unchanged", SH_PUT_UNCHANGED},
                    {"stale", SH_PUT_STALE}};
    item->err = command->err;
    if (item->err != SH_OK)
        return;
    sh_slice word = sh_redis_text(command->reply);
    if (sh_slice_equals(word, SH_SLICE("full"))) {
        item->err = sh_fail(&item->error, SH_E_BUSY, "the queue is full: merge does not keep up");
        return;
    }
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        if (sh_slice_equals(word, sh_slice_of(outcomes[i].word))) {
            item->put = outcomes[i].put;
            return;
        }
    item->err = sh_fail(&item->error, SH_E_FORMAT, "Redis did not say whether it queued");
}

void sh_queue_put_each(sh_queue *queue, sh_queue_put_item *const items[], size_t count)
{
    put_numbers numbers;
    put_texts texts[SH_QUEUE_AT_ONCE];
    sh_redis_command commands[SH_QUEUE_AT_ONCE];
    assert(count <= SH_QUEUE_AT_ONCE);
    write_numbers(&numbers);
    for (size_t i = 0; i < count; i++) {
        sh_error_clear(&items[i]->error);
        write_put(queue, &numbers, items[i], &texts[i]);
        commands[i] = (sh_redis_command){
            .argc = PUT_ARGUMENTS, .argv = texts[i].argv, .error = &items[i]->error};
    }
    sh_redis_script_each(queue->redis, script_put, PUT_KEYS, commands, count);
    for (size_t i = 0; i < count; i++) {
        read_put(&commands[i], items[i]);
        sh_redis_reply_free(commands[i].reply);
    }
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

sh_err sh_queue_ask_each(sh_queue *queue, sh_queue_question *const questions[], size_t count,
                         char version[static SH_NODES_VERSION_BYTES], sh_error *error)
{
    sh_slice fields[2 + SH_QUEUE_AT_ONCE] = {SH_SLICE("HMGET"), sh_slice_of(queue->digests)};
    sh_slice get[] = {SH_SLICE("GET"), sh_slice_of(queue->nodes_version)};
    sh_error reasons[2] = {{0}};
    sh_redis_command commands[] = {
        {.argc = 2 + count, .argv = fields, .error = &reasons[0]},
        {.argc = 2, .argv = get, .error = &reasons[1]},
    };
    assert(count > 0 && count <= SH_QUEUE_AT_ONCE);
    for (size_t i = 0; i < count; i++)
        fields[2 + i] = sh_slice_of(questions[i]->node);
    sh_redis_call_each(queue->redis, commands, 2);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *digests = commands[0].reply;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *known = commands[1].reply;
    for (size_t i = 0; i < 2; i++)
        if (commands[i].err != SH_OK)
            return sh_fail(error, commands[i].err, "%s", reasons[i].message);
    if (sh_redis_count(digests) != count)
        return sh_fail(error, SH_E_FORMAT, "Redis gave no digests");
    sh_slice text = sh_redis_text(known);
    (void)snprintf(version, SH_NODES_VERSION_BYTES, "%.*s", (int)text.len, text.data);
    for (size_t i = 0; i < count; i++)
        if (!read_digest(sh_redis_text(sh_redis_at(digests, i)), questions[i]->digest,
                         &questions[i]->merged_ms))
            questions[i]->merged_ms = 0;
    return SH_OK;
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
