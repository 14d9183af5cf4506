/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/redis.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>

/* Arguments, and replies: a sh_redis_reply is hiredis's redisReply. */

sh_slice sh_redis_number(int64_t number, char room[static SH_REDIS_NUMBER_BYTES])
{
    int len = snprintf(room, SH_REDIS_NUMBER_BYTES, "%" PRId64, number);
    assert(len > 0 && len < SH_REDIS_NUMBER_BYTES);
    return (sh_slice){room, (size_t)len};
}

void sh_redis_reply_free(sh_redis_reply *reply)
{
    freeReplyObject(reply);
}

void sh_redis_reply_free_cleanup(sh_redis_reply **reply)
{
    if (*reply != NULL)
        freeReplyObject(*reply);
}

sh_redis_kind sh_redis_kind_of(const sh_redis_reply *reply)
{
    if (reply == NULL)
        return SH_REDIS_NIL;
    switch (((const redisReply *)reply)->type) {
    case REDIS_REPLY_INTEGER:
        return SH_REDIS_INTEGER;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        return SH_REDIS_TEXT;
    case REDIS_REPLY_ARRAY:
        return SH_REDIS_ARRAY;
    case REDIS_REPLY_ERROR:
        return SH_REDIS_ERROR;
    default:
        return SH_REDIS_NIL;
    }
}

int64_t sh_redis_integer(const sh_redis_reply *reply)
{
    return sh_redis_kind_of(reply) == SH_REDIS_INTEGER ? ((const redisReply *)reply)->integer : 0;
}

sh_slice sh_redis_text(const sh_redis_reply *reply)
{
    if (sh_redis_kind_of(reply) != SH_REDIS_TEXT)
        return (sh_slice){"", 0};
    const redisReply *r = (const redisReply *)reply;
    return (sh_slice){r->str, (size_t)r->len};
}

size_t sh_redis_count(const sh_redis_reply *reply)
{
    return sh_redis_kind_of(reply) == SH_REDIS_ARRAY ? ((const redisReply *)reply)->elements : 0;
}

const sh_redis_reply *sh_redis_at(const sh_redis_reply *reply, size_t index)
{
    if (index >= sh_redis_count(reply))
        return NULL;
    return (const sh_redis_reply *)((const redisReply *)reply)->element[index];
}
