/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/queue_batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct queue_batch {
    queue_entry *entries;
    size_t count, bytes;
    sh_redis_reply **replies; /* which the entries borrow from */
    size_t replies_count;
};

sh_err queue_batch_new(queue_batch **ret, sh_error *error)
{
    *ret = calloc(1, sizeof **ret);
    return *ret != NULL ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory for a batch of the queue");
}

void queue_batch_free(queue_batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->replies_count; i++)
        sh_redis_reply_free(batch->replies[i]);
    free(batch->replies);
    free(batch->entries);
    free(batch);
}

size_t queue_batch_count(const queue_batch *batch)
{
    return batch->count;
}

const queue_entry *queue_batch_at(const queue_batch *batch, size_t index)
{
    assert(index < batch->count);
    return &batch->entries[index];
}

size_t queue_batch_bytes(const queue_batch *batch)
{
    return batch->bytes;
}

void queue_batch_set_deliveries(queue_batch *batch, sh_slice id, int64_t deliveries)
{
    for (size_t i = 0; i < batch->count; i++)
        if (sh_slice_equals(id, sh_slice_of(batch->entries[i].id)))
            batch->entries[i].deliveries = deliveries;
}

/* Reserves memory for `add` more entries and one reply. */
static sh_err reserve(queue_batch *batch, size_t add, sh_error *error)
{
    queue_entry *entries =
        reallocarray(batch->entries, batch->count + add + 1, sizeof *batch->entries);
    if (entries != NULL)
        batch->entries = entries;
    sh_redis_reply **replies =
        reallocarray(batch->replies, batch->replies_count + 1, sizeof(sh_redis_reply *));
    if (replies != NULL)
        batch->replies = replies;
    if (entries != NULL && replies != NULL)
        return SH_OK;
    return sh_fail(error, SH_E_MEMORY, "no memory for a batch of the queue");
}

/* The value of a field in an entry's flat list of names and values; empty if it is missing. */
static sh_slice field_of(const sh_redis_reply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < sh_redis_count(fields); i += 2)
        if (sh_slice_equals(sh_redis_text(sh_redis_at(fields, i)), sh_slice_of(name)))
            return sh_redis_text(sh_redis_at(fields, i + 1));
    return (sh_slice){"", 0};
}

static sh_err read_entry(const sh_redis_reply *pair, queue_entry *ret, sh_error *error)
{
    sh_slice id = sh_redis_count(pair) == 2 ? sh_redis_text(sh_redis_at(pair, 0)) : (sh_slice){0};
    if (id.len == 0 || id.len >= sizeof ret->id)
        return sh_fail(error, SH_E_FORMAT, "Redis replied a stream entry without an id");
    const sh_redis_reply *fields = sh_redis_at(pair, 1);
    *ret = (queue_entry){
        .envelope = field_of(fields, "e"), .mode = field_of(fields, "m"), .deliveries = 1};
    memcpy(ret->id, id.data, id.len);
    return SH_OK;
}

sh_err queue_batch_add(queue_batch *batch, const sh_redis_reply *list, sh_redis_reply *owned,
                       sh_error *error)
{
    size_t add = list == NULL ? 0 : sh_redis_count(list);
    sh_err err = reserve(batch, add, error);
    if (err != SH_OK) {
        sh_redis_reply_free(owned);
        return err;
    }
    batch->replies[batch->replies_count++] = owned;
    for (size_t i = 0; i < add; i++) {
        queue_entry *entry = &batch->entries[batch->count];
        err = read_entry(sh_redis_at(list, i), entry, error);
        if (err != SH_OK)
            return err;
        batch->bytes += entry->envelope.len;
        batch->count++;
    }
    return SH_OK;
}
