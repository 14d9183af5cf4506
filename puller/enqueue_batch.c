/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/enqueue_batch.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/stop.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define PUBLISHED_WAIT_MS 10000
#define PUBLISHED_WAIT_STEP_MS 100

/*
 * Waits once in a run for a merging receiver to publish them, as after a start or a loss of Redis's
 * data.
 */
static sh_err load_published(enqueue_batch *o, sh_credentials **all, sh_error *error)
{
    int64_t end_ms = sh_clock_monotonic_ms() + PUBLISHED_WAIT_MS;
    for (;;) {
        sh_error reason = {.code = SH_OK};
        sh_err err = sh_queue_nodes_load(o->queue, all, o->version, &reason);
        if (err == SH_OK)
            return SH_OK;
        bool waits = err == SH_E_NOT_FOUND && !o->waited && sh_clock_monotonic_ms() < end_ms;
        if (!waits || sh_stop_wait(PUBLISHED_WAIT_STEP_MS)) {
            o->waited = o->waited || err == SH_E_NOT_FOUND;
            return sh_fail(error, err, "%s", reason.message);
        }
    }
}

static sh_err load_credentials(enqueue_batch *o, sh_error *error)
{
    sh_credentials *all = NULL;
    sh_err err = load_published(o, &all, error);
    if (err != SH_OK)
        return err;
    sh_credentials_free(o->credentials);
    o->credentials = all;
    return SH_OK;
}

sh_err enqueue_batch_init(enqueue_batch *o, sh_queue *queue, enqueue_batch_ended ended,
                          void *context, sh_error *error)
{
    *o = (enqueue_batch){.queue = queue, .ended = ended, .context = context};
    return load_credentials(o, error);
}

void enqueue_batch_reset(enqueue_batch *o)
{
    assert(o->count == 0);
    sh_credentials_free(o->credentials);
    o->credentials = NULL;
}

/* Identifies the state of a node's credentials. */
static void note_state(const enqueue_batch *o, const char *node,
                       uint8_t ret[static SH_DIGEST_BYTES])
{
    const sh_node_record *own = sh_credentials_find_node(o->credentials, node, NULL);
    memset(ret, 0, SH_DIGEST_BYTES);
    if (own != NULL && own->revoked_ms == 0 && own->count > 0)
        memcpy(ret, own->items[0].token_hash, SH_DIGEST_BYTES);
    else if (own != NULL)
        memset(ret, 0xff, SH_DIGEST_BYTES);
    if (own != NULL && sh_node_record_takes_shared(own, sh_clock_unix_ms()))
        ret[0] ^= 1;
}

/* Adds an item. */
static enqueue_batch_item *add(enqueue_batch *o, void *who, const char *node)
{
    assert(o->count < SH_QUEUE_AT_ONCE);
    enqueue_batch_item *item = &o->items[o->count];
    *item = (enqueue_batch_item){.who = who, .envelope = SH_BUF_INIT(SH_ENVELOPE_MAX)};
    (void)snprintf(item->header.node, sizeof item->header.node, "%s", node);
    return item;
}

static void added(enqueue_batch *o, size_t bytes)
{
    o->count++;
    o->bytes += bytes;
    if (o->count == SH_QUEUE_AT_ONCE || o->bytes >= ENQUEUE_BATCH_BYTES_MAX)
        enqueue_batch_flush(o);
}

sh_err enqueue_batch_add_table(enqueue_batch *o, void *who, const puller_table *table,
                               bool is_named, sh_error *error)
{
    enqueue_batch_item *item = add(o, who, table->header.node);
    if (sh_buf_append(&item->envelope, table->envelope.data, table->envelope.len) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory for a table of %zu bytes",
                       table->envelope.len);
    item->header = table->header;
    item->rows = table->rows;
    is_named =
        is_named || sh_credentials_find_node(o->credentials, table->header.node, NULL) != NULL;
    item->newcomer = is_named ? SH_NEWCOMER_ALWAYS : SH_NEWCOMER_YES;
    note_state(o, table->header.node, item->state);
    added(o, item->envelope.len);
    return SH_OK;
}

void enqueue_batch_add_unchanged(enqueue_batch *o, void *who, const char *node)
{
    add(o, who, node)->unchanged = true;
    added(o, 0);
}

static void fail(enqueue_batch_item *item, sh_err err, const char *message)
{
    sh_error_clear(&item->put.error);
    item->put.err = sh_fail(&item->put.error, err, "%s", message);
}

static void note_unchanged(enqueue_batch *o)
{
    sh_queue_seen seen[SH_QUEUE_AT_ONCE];
    sh_error error = {.code = SH_OK};
    size_t count = 0;
    int64_t now_ms = sh_clock_unix_ms();
    for (size_t i = 0; i < o->count; i++) {
        if (!o->items[i].unchanged)
            continue;
        memcpy(seen[count].node, o->items[i].header.node, sizeof seen[count].node);
        seen[count++].ms = now_ms;
    }
    if (count == 0)
        return;
    sh_err err = sh_queue_seen_put(o->queue, seen, count, "pull", &error);
    for (size_t i = 0; err != SH_OK && i < o->count; i++)
        if (o->items[i].unchanged)
            fail(&o->items[i], err, error.message);
}

/* Puts items, with the current version of the credentials. */
static void put_some(enqueue_batch *o, sh_queue_put_item *puts[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        puts[i]->nodes_version = o->version;
    sh_queue_put_each(o->queue, puts, count);
}

/*
 * Collects the items that were refused because credentials changed, to put them again with the new
 * version, unless their own node's credentials changed. Returns their number.
 */
static size_t take_stale(enqueue_batch *o, sh_queue_put_item *ret[])
{
    sh_error error = {.code = SH_OK};
    sh_err err = SH_OK;
    bool loaded = false;
    size_t count = 0;
    for (size_t i = 0; i < o->count; i++) {
        enqueue_batch_item *item = &o->items[i];
        if (item->unchanged || item->put.err != SH_OK || item->put.put != SH_PUT_STALE)
            continue;
        if (!loaded)
            err = load_credentials(o, &error);
        loaded = true;
        uint8_t now[SH_DIGEST_BYTES];
        note_state(o, item->header.node, now);
        if (err != SH_OK)
            fail(item, err, error.message);
        else if (memcmp(item->state, now, sizeof now) != 0)
            fail(item, SH_E_REFUSED, "the node's credentials were changed while it was pulled");
        else
            ret[count++] = &item->put;
    }
    return count;
}

void enqueue_batch_flush(enqueue_batch *o)
{
    sh_queue_put_item *puts[SH_QUEUE_AT_ONCE];
    size_t count = 0;
    for (size_t i = 0; i < o->count; i++) {
        enqueue_batch_item *item = &o->items[i];
        item->put = (sh_queue_put_item){.envelope = {item->envelope.data, item->envelope.len},
                                        .header = &item->header,
                                        .mode = "pull",
                                        .newcomer = item->newcomer};
        if (!item->unchanged)
            puts[count++] = &item->put;
    }
    note_unchanged(o);
    while (count > 0) {
        put_some(o, puts, count);
        count = take_stale(o, puts);
    }
    for (size_t i = 0; i < o->count; i++) {
        enqueue_batch_item *item = &o->items[i];
        o->ended(o->context, item, item->put.err, item->put.put, &item->put.error);
        sh_buf_reset(&item->envelope);
    }
    o->count = 0;
    o->bytes = 0;
}
