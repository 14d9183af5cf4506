/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue_handle.h"
#include "libcommon/queue/queue_scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Adds entries to the queue, for ingest and puller. */

#define NUMBER_BYTES SH_REDIS_NUMBER_BYTES
#define PUT_NUMBERS 11

/* The numbers that all puts of one exchange share, in decimal. */
typedef struct {
    char texts[PUT_NUMBERS][NUMBER_BYTES];
} put_numbers;

/*
 * Puts are run in groups: queue_put.lua makes as many calls for a group as for one put. More than
 * this many bytes of envelopes are not in one group, unless it is a single put, since Redis serves
 * nobody else while a script runs, and Lua has a copy of all of them.
 */
#define GROUP_BYTES_MAX (256 * SH_KIB)

/* The texts of one put, which its arguments refer to. */
typedef struct {
    uint8_t item[SH_ID_BYTES];
    char digest[SH_DIGEST_HEX_BYTES];
} put_texts;

typedef struct {
    sh_slice command[SH_REDIS_SCRIPT_ARGUMENTS];
    sh_put_arguments common;
} put_head;

#define PUT_KEYS (sizeof((put_head *)NULL)->common.keys / sizeof(sh_slice))
#define HEAD_ARGC (sizeof(put_head) / sizeof(sh_slice))
#define PUT_ARGC (sizeof(sh_put_argument) / sizeof(sh_slice))

_Static_assert(HEAD_ARGC + SH_QUEUE_AT_ONCE * PUT_ARGC <= SH_REDIS_ARGUMENTS_MAX, "a group fits");

/* The commands of one exchange, a group of puts in each. */
typedef struct {
    sh_redis_command commands[SH_QUEUE_AT_ONCE];
    size_t sizes[SH_QUEUE_AT_ONCE]; /* of the groups, in puts */
    size_t count;
    sh_slice argv[SH_QUEUE_AT_ONCE * (HEAD_ARGC + PUT_ARGC)];
} put_groups;

/* Fills in the arguments that all puts of one exchange share. */
static void write_common(const sh_queue *queue, put_numbers *n, sh_put_arguments *ret)
{
    const struct {
        sh_slice *to;
        int64_t number;
    } numbers[PUT_NUMBERS] = {
        {&ret->now_ms, sh_clock_unix_ms()},
        {&ret->unchanged_ms, SH_FULL_TABLE_INTERVAL_S * 1000LL},
        {&ret->entries_max, SH_QUEUE_ENTRIES_MAX},
        {&ret->bytes_max, SH_QUEUE_BYTES_MAX},
        {&ret->node_entries_max, SH_QUEUE_NODE_ENTRIES_MAX},
        {&ret->node_bytes_max, SH_QUEUE_NODE_BYTES_MAX},
        {&ret->node_part, SH_QUEUE_NODE_SHARE},
        {&ret->ids_max, SH_QUEUE_ITEM_IDS_MAX / 2},
        {&ret->names_max, queue->names_max},
        {&ret->node_ids_max, SH_QUEUE_NODE_ITEM_IDS_MAX},
        {&ret->ids_ttl_s, SH_QUEUE_ITEM_IDS_TTL_S},
    };
    for (size_t i = 0; i < PUT_NUMBERS; i++)
        /* cppcheck-suppress uninitvar ; sh_redis_number() writes it */
        *numbers[i].to = sh_redis_number(numbers[i].number, n->texts[i]);
    ret->keys.stream = sh_slice_of(queue->stream);
    ret->keys.ids = sh_slice_of(queue->ids);
    ret->keys.ids_old = sh_slice_of(queue->ids_old);
    ret->keys.bytes = sh_slice_of(queue->bytes);
    ret->keys.contacts = sh_slice_of(queue->contacts);
    ret->keys.nodes_version = sh_slice_of(queue->nodes_version);
    ret->keys.digests = sh_slice_of(queue->digests);
    ret->keys.shares = sh_slice_of(queue->shares);
    ret->keys.ids_nodes = sh_slice_of(queue->ids_nodes);
}

static sh_slice newcomer_name(sh_newcomer newcomer)
{
    static const char *const names[] = {
        [SH_NEWCOMER_ALWAYS] = "always", [SH_NEWCOMER_YES] = "yes", [SH_NEWCOMER_NO] = "no"};
    return sh_slice_of(names[newcomer]);
}

static void write_put(const sh_queue_put_item *item, put_texts *texts, sh_slice argv[])
{
    sh_slice table = {0};
    sh_item_key(item->header, texts->item);
    if (item->header->kind == SH_KIND_DEVICES) {
        sh_hex_encode(item->header->digest, SH_DIGEST_BYTES, texts->digest);
        table = sh_slice_of(texts->digest);
    }
    const sh_put_argument put = {
        .envelope = item->envelope,
        .mode = sh_slice_of(item->mode),
        .node = sh_slice_of(item->header->node),
        .item = {(const char *)texts->item, sizeof texts->item},
        .version = sh_slice_of(item->nodes_version),
        .digest = item->unless_unchanged ? table : (sh_slice){0},
        .table = table,
        .newcomer = newcomer_name(item->newcomer),
    };
    memcpy(argv, &put, sizeof put);
}

/* Number of puts at the beginning that make a group. */
static size_t group_size(sh_queue_put_item *const items[], size_t count)
{
    size_t size = 1, bytes = items[0]->envelope.len;
    while (size < count && bytes <= GROUP_BYTES_MAX &&
           items[size]->envelope.len <= GROUP_BYTES_MAX - bytes)
        bytes += items[size++]->envelope.len;
    return size;
}

static void write_groups(const put_head *head, sh_queue_put_item *const items[], put_texts texts[],
                         size_t count, put_groups *ret)
{
    sh_slice *argv = ret->argv;
    ret->count = 0;
    for (size_t first = 0; first < count;) {
        size_t size = group_size(items + first, count - first);
        size_t argc = HEAD_ARGC + size * PUT_ARGC;
        memcpy(argv, head, sizeof *head);
        for (size_t i = 0; i < size; i++)
            write_put(items[first + i], &texts[first + i], argv + HEAD_ARGC + i * PUT_ARGC);
        ret->sizes[ret->count] = size;
        ret->commands[ret->count++] =
            (sh_redis_command){.argc = argc, .argv = argv, .error = &items[first]->error};
        argv += argc;
        first += size;
    }
}

/* Maps a refusal of queue_put.lua to an error. False if status is not a refusal. */
static bool read_refusal(sh_slice status, sh_queue_put_item *item)
{
    static const struct {
        const char *status;
        sh_err err;
        const char *message;
    } refusals[] = {
        {"full", SH_E_BUSY, "the queue is full: merge does not keep up"},
        {"share", SH_E_LIMIT,
         "this node has used its share of the queue: merge must catch up first"},
        {"names", SH_E_REFUSED,
         "the hub knows the maximum number of nodes (SYNC_max_nodes): raise it, or give this node "
         "credentials of its own with `synchub-receiver node add`"},
        {"late", SH_E_REFUSED,
         "too many new node names at once: nodes that the hub does not know yet must wait"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (sh_slice_equals(status, sh_slice_of(refusals[i].status))) {
            item->err = sh_fail(&item->error, refusals[i].err, "%s", refusals[i].message);
            return true;
        }
    return false;
}

static void read_put(sh_slice status, sh_queue_put_item *item)
{
    static const struct {
        const char *status;
        sh_put put;
    } outcomes[] = {{"queued", SH_PUT_QUEUED},
                    {"welcome", SH_PUT_QUEUED},
                    {"duplicate", SH_PUT_DUPLICATE},
                    {"unchanged", SH_PUT_UNCHANGED},
                    {"stale", SH_PUT_STALE}};
    item->err = SH_OK;
    if (read_refusal(status, item))
        return;
    item->is_new_node = sh_slice_equals(status, SH_SLICE("welcome"));
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        if (sh_slice_equals(status, sh_slice_of(outcomes[i].status))) {
            item->put = outcomes[i].put;
            return;
        }
    item->err = sh_fail(&item->error, SH_E_FORMAT, "Redis gave an unknown reply to a put");
}

/* If the script failed, no put of its group had an effect. */
static void read_group(const sh_redis_command *command, sh_queue_put_item *const items[],
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[i]->is_new_node = false;
        items[i]->err = command->err;
        if (command->err == SH_OK)
            read_put(sh_redis_text(sh_redis_at(command->reply, i)), items[i]);
        else if (i > 0)
            items[i]->error = *command->error; /* the first one's */
    }
}

static void put_checked(sh_queue *queue, sh_queue_put_item *const items[], size_t count)
{
    put_numbers numbers;
    put_head head = {0};
    put_texts texts[SH_QUEUE_AT_ONCE];
    put_groups groups = {.count = 0};
    write_common(queue, &numbers, &head.common);
    write_groups(&head, items, texts, count, &groups);
    sh_redis_script_run_each(queue->redis, &sh_script_queue_put, PUT_KEYS, groups.commands,
                             groups.count);
    for (size_t i = 0; i < groups.count; i++) {
        read_group(&groups.commands[i], items, groups.sizes[i]);
        sh_redis_reply_free(groups.commands[i].reply);
        items += groups.sizes[i];
    }
}

/* Whether the put succeeded and its entry is in the queue. */
static bool is_queued(const sh_queue_put_item *item)
{
    return item->err == SH_OK && (item->put == SH_PUT_QUEUED || item->put == SH_PUT_DUPLICATE);
}

/*
 * Confirms queued entries only once the replicas have them, too. The same goes for duplicates,
 * whose first put may have failed at this point.
 */
static void confirm_each(sh_queue *queue, sh_queue_put_item *const items[], size_t count)
{
    sh_error error = {0};
    size_t queued = 0;
    for (size_t i = 0; i < count; i++)
        queued += is_queued(items[i]);
    sh_err err = queued == 0 ? SH_OK : sh_queue_await_replicas(queue, &error);
    for (size_t i = 0; i < count && err != SH_OK; i++)
        if (is_queued(items[i]))
            items[i]->err = sh_fail(&items[i]->error, err, "%s", error.message);
}

void sh_queue_put_each(sh_queue *queue, sh_queue_put_item *const items[], size_t count)
{
    sh_error error = {0};
    assert(count <= SH_QUEUE_AT_ONCE);
    for (size_t i = 0; i < count; i++)
        sh_error_clear(&items[i]->error);
    sh_err err = sh_queue_verify(queue, &error);
    uint64_t verified = sh_redis_connections(queue->redis);
    if (err == SH_OK)
        err = sh_queue_retry_replicas(queue, &error);
    if (err == SH_OK) {
        put_checked(queue, items, count);
        confirm_each(queue, items, count);
    }
    /*
     * The connection changed after the check, so these puts may have gone to a server that is not
     * durable: do not confirm them. The peer sends them again.
     */
    if (err == SH_OK && sh_redis_connections(queue->redis) != verified)
        err = sh_fail(&error, SH_E_NETWORK, "the connection to Redis was replaced during the put");
    for (size_t i = 0; i < count && err != SH_OK; i++)
        if (items[i]->err == SH_OK || sh_redis_connections(queue->redis) == verified)
            items[i]->err = sh_fail(&items[i]->error, err, "%s", error.message);
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

/* `refused <digest> <ms> <reason>`, as dead_add.lua writes it. */
static bool read_refused_table(sh_slice text, sh_queue_question *question)
{
    static const char status[] = "refused ";
    const size_t hex = SH_DIGEST_HEX_BYTES - 1;
    uint64_t ms = 0;
    if (text.len <= sizeof status + hex || memcmp(text.data, status, sizeof status - 1) != 0)
        return false;
    sh_slice rest = {text.data + sizeof status + hex, text.len - sizeof status - hex};
    const char *space = memchr(rest.data, ' ', rest.len);
    size_t len = space == NULL ? rest.len : (size_t)(space - rest.data);
    if (space == NULL ||
        !sh_hex_decode((sh_slice){text.data + sizeof status - 1, hex}, question->digest,
                       SH_DIGEST_BYTES) ||
        !sh_text_to_u64((sh_slice){rest.data, len}, INT64_MAX, &ms))
        return false;
    question->refused_ms = (int64_t)ms;
    (void)snprintf(question->refused, sizeof question->refused, "%.*s", (int)(rest.len - len - 1),
                   space + 1);
    return true;
}

static void read_answer(sh_slice text, sh_queue_question *question)
{
    question->merged_ms = 0;
    question->refused_ms = 0;
    if (!read_digest(text, question->digest, &question->merged_ms))
        (void)read_refused_table(text, question);
}

sh_err sh_queue_digest_get(sh_queue *queue, sh_slice node, uint8_t digest[static SH_DIGEST_BYTES],
                           int64_t *merged_ms, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("HGET"), sh_slice_of(queue->digests), node};
    sh_err err = sh_redis_call(queue->redis, 3, argv, &reply, error);
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
    sh_err err = sh_queue_verify(queue, error);
    if (err != SH_OK)
        return err;
    sh_redis_call_each(queue->redis, commands, 2);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *digests = commands[0].reply;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *known = commands[1].reply;
    for (size_t i = 0; i < 2; i++)
        if (commands[i].err != SH_OK)
            return sh_fail(error, commands[i].err, "%s", reasons[i].message);
    if (sh_redis_count(digests) != count)
        return sh_fail(error, SH_E_FORMAT, "Redis replied no digests");
    sh_slice text = sh_redis_text(known);
    (void)snprintf(version, SH_NODES_VERSION_BYTES, "%.*s", (int)text.len, text.data);
    for (size_t i = 0; i < count; i++)
        read_answer(sh_redis_text(sh_redis_at(digests, i)), questions[i]);
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
