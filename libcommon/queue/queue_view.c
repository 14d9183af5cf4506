/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_cursor.h"
#include "libcommon/queue/queue_handle.h"

#include <assert.h>
#include <string.h>

static sh_err read_integer(sh_queue *queue, const char *command, const char *key, int64_t *ret,
                           sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {sh_slice_of(command), sh_slice_of(key)};
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, error);
    if (err != SH_OK)
        return err;
    uint64_t number = 0;
    if (sh_text_to_u64(sh_redis_text(reply), INT64_MAX, &number))
        *ret = (int64_t)number;
    else
        *ret = sh_redis_integer(reply);
    return SH_OK;
}

static sh_err read_pending(sh_queue *queue, int64_t *ret, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("XPENDING"), sh_slice_of(queue->stream), SH_SLICE(SH_QUEUE_GROUP)};
    sh_error reason = {0};
    sh_err err = sh_redis_call(queue->redis, 3, argv, &reply, &reason);
    *ret = 0;
    if (err == SH_E_NOT_FOUND) /* no group, so nothing is pending */
        return SH_OK;
    if (err != SH_OK)
        return sh_fail(error, err, "%s", reason.message);
    const sh_redis_reply *count = sh_redis_at(reply, 0);
    *ret = count == NULL ? 0 : sh_redis_integer(count);
    return SH_OK;
}

sh_err sh_queue_depth_get(sh_queue *queue, sh_queue_depth *ret, sh_error *error)
{
    sh_queue_depth depth = {0};
    sh_err err = read_integer(queue, "XLEN", queue->stream, &depth.entries, error);
    if (err == SH_OK)
        err = read_integer(queue, "GET", queue->bytes, &depth.bytes, error);
    if (err == SH_OK)
        err = read_integer(queue, "XLEN", queue->dead, &depth.dead, error);
    if (err == SH_OK)
        err = read_pending(queue, &depth.pending, error);
    if (err == SH_OK)
        *ret = depth;
    return err;
}

/* --- Contacts -------------------------------------------------------------------------------- */

typedef struct {
    sh_queue_contact_each each;
    void *context;
} contact_reader;

/* A contact's value is `<ms> <mode>`. */
static sh_err give_contact(void *context, sh_slice node, sh_slice value, sh_error *error)
{
    const contact_reader *reader = context;
    const char *space = value.len == 0 ? NULL : memchr(value.data, ' ', value.len);
    uint64_t ms = 0;
    if (space == NULL ||
        !sh_text_to_u64((sh_slice){value.data, (size_t)(space - value.data)}, INT64_MAX, &ms))
        return SH_OK;
    sh_slice mode = {space + 1, value.len - (size_t)(space + 1 - value.data)};
    return reader->each(reader->context, node, mode, (int64_t)ms, error);
}

sh_err sh_queue_contacts(sh_queue *queue, sh_queue_contact_each each, void *context,
                         sh_error *error)
{
    contact_reader reader = {each, context};
    return sh_queue_scan(queue, queue->contacts, give_contact, &reader, error);
}

sh_err sh_queue_contacts_next(sh_queue *queue, sh_queue_cursor *cursor, sh_queue_contact_each each,
                              void *context, sh_error *error)
{
    contact_reader reader = {each, context};
    return sh_queue_scan_next(queue, queue->contacts, cursor, give_contact, &reader, error);
}

sh_err sh_queue_contacts_of(sh_queue *queue, const char *const nodes[], size_t count,
                            sh_queue_contact_each each, void *context, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    contact_reader reader = {each, context};
    sh_slice argv[2 + SH_QUEUE_CONTACTS_AT_ONCE] = {SH_SLICE("HMGET"),
                                                    sh_slice_of(queue->contacts)};
    assert(count > 0 && count <= SH_QUEUE_CONTACTS_AT_ONCE);
    for (size_t i = 0; i < count; i++)
        argv[2 + i] = sh_slice_of(nodes[i]);
    sh_err err = sh_redis_call(queue->redis, 2 + count, argv, &reply, error);
    if (err == SH_OK && sh_redis_count(reply) != count)
        err = sh_fail(error, SH_E_FORMAT, "Redis replied no list to HMGET");
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = give_contact(&reader, argv[2 + i], sh_redis_text(sh_redis_at(reply, i)), error);
    return err;
}
