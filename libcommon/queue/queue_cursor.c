/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/queue_cursor.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"

#include <stdio.h>
#include <string.h>

#define SCAN_COUNT "1000" /* hash fields of one HSCAN, about */
#define FIRST "0"         /* Redis's cursor at the beginning, and after the end */

bool sh_queue_cursor_at_start(const sh_queue_cursor *cursor)
{
    return cursor->text[0] == '\0';
}

static void move(sh_queue_cursor *cursor, sh_slice text, uint64_t connection)
{
    cursor->connection = connection;
    (void)snprintf(cursor->text, sizeof cursor->text, "%.*s", (int)text.len, text.data);
    if (strcmp(cursor->text, FIRST) == 0)
        cursor->text[0] = '\0';
}

/* Runs HSCAN on a connection for which the cursor is valid; *connection: which one. */
static sh_err scan(sh_queue *queue, const char *key, const sh_queue_cursor *cursor,
                   uint64_t *connection, sh_redis_reply **ret, sh_error *error)
{
    sh_err err = SH_OK;
    bool first = false;
    do { /* the connection may end after it was compared: then once more */
        sh_redis_reply_free(*ret);
        *ret = NULL;
        err = sh_redis_connect(queue->redis, error);
        if (err != SH_OK)
            return err;
        *connection = sh_redis_connections(queue->redis);
        first = sh_queue_cursor_at_start(cursor) || cursor->connection != *connection;
        sh_slice argv[] = {SH_SLICE("HSCAN"), sh_slice_of(key),
                           first ? SH_SLICE(FIRST) : sh_slice_of(cursor->text), SH_SLICE("COUNT"),
                           SH_SLICE(SCAN_COUNT)};
        err = sh_redis_call(queue->redis, 5, argv, ret, error);
    } while (err == SH_OK && !first && sh_redis_connections(queue->redis) != *connection);
    *connection = sh_redis_connections(queue->redis);
    return err;
}

sh_err sh_queue_scan_next(sh_queue *queue, const char *key, sh_queue_cursor *cursor,
                          sh_queue_field_each each, void *context, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_queue_cursor from = *cursor;
    uint64_t connection = 0;
    *cursor = SH_QUEUE_CURSOR_START; /* after an error */
    sh_err err = scan(queue, key, &from, &connection, &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice next = sh_redis_text(sh_redis_at(reply, 0));
    const sh_redis_reply *pairs = sh_redis_at(reply, 1);
    if (pairs == NULL || next.len == 0 || next.len >= sizeof cursor->text)
        return sh_fail(error, SH_E_FORMAT, "Redis replied no list to HSCAN");
    for (size_t i = 0; i + 1 < sh_redis_count(pairs) && err == SH_OK; i += 2)
        err = each(context, sh_redis_text(sh_redis_at(pairs, i)),
                   sh_redis_text(sh_redis_at(pairs, i + 1)), error);
    if (err == SH_OK)
        move(cursor, next, connection);
    return err;
}

sh_err sh_queue_scan(sh_queue *queue, const char *key, sh_queue_field_each each, void *context,
                     sh_error *error)
{
    sh_queue_cursor cursor = SH_QUEUE_CURSOR_START;
    sh_err err = SH_OK;
    do
        err = sh_queue_scan_next(queue, key, &cursor, each, context, error);
    while (err == SH_OK && !sh_queue_cursor_at_start(&cursor));
    return err;
}
