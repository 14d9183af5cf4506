/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_handle.h"

#include <stdio.h>
#include <string.h>

#define SCAN_COUNT "1000" /* hash fields of one HSCAN */

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

/* A contact's value is `<ms> <mode>`. */
static sh_err give_contact(const sh_redis_reply *node, const sh_redis_reply *value,
                           sh_queue_contact_each each, void *context, sh_error *error)
{
    sh_slice text = sh_redis_text(value);
    const char *space = text.len == 0 ? NULL : memchr(text.data, ' ', text.len);
    uint64_t ms = 0;
    if (space == NULL ||
        !sh_text_to_u64((sh_slice){text.data, (size_t)(space - text.data)}, INT64_MAX, &ms))
        return SH_OK;
    sh_slice mode = {space + 1, text.len - (size_t)(space + 1 - text.data)};
    return each(context, sh_redis_text(node), mode, (int64_t)ms, error);
}

sh_err sh_queue_contacts(sh_queue *queue, sh_queue_contact_each each, void *context,
                         sh_error *error)
{
    char cursor[32] = "0";
    do {
        SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
        sh_slice argv[] = {SH_SLICE("HSCAN"), sh_slice_of(queue->contacts), sh_slice_of(cursor),
                           SH_SLICE("COUNT"), SH_SLICE(SCAN_COUNT)};
        sh_err err = sh_redis_call(queue->redis, 5, argv, &reply, error);
        if (err != SH_OK)
            return err;
        const sh_redis_reply *next = sh_redis_at(reply, 0);
        const sh_redis_reply *pairs = sh_redis_at(reply, 1);
        if (next == NULL || pairs == NULL || sh_redis_text(next).len >= sizeof cursor)
            return sh_fail(error, SH_E_FORMAT, "Redis replied no list to HSCAN");
        for (size_t i = 0; i + 1 < sh_redis_count(pairs); i += 2) {
            err = give_contact(sh_redis_at(pairs, i), sh_redis_at(pairs, i + 1), each, context,
                               error);
            if (err != SH_OK)
                return err;
        }
        (void)snprintf(cursor, sizeof cursor, "%.*s", (int)sh_redis_text(next).len,
                       sh_redis_text(next).data);
    } while (strcmp(cursor, "0") != 0);
    return SH_OK;
}
