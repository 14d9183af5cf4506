/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/server_facts.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>
#include <stdlib.h>

static void copy_field(sh_slice info, const char *name, char *ret, size_t ret_bytes)
{
    sh_slice value = sh_queue_info_field(info, name);
    (void)snprintf(ret, ret_bytes, "%.*s", (int)value.len, value.data);
}

static int64_t number_field(sh_slice info, const char *name)
{
    uint64_t number = 0;
    (void)sh_text_to_u64(sh_queue_info_field(info, name), INT64_MAX, &number);
    return (int64_t)number;
}

/*
 * It is not a failure if the user may not run a command; it is one if the server does not answer.
 */
static sh_err ask(sh_queue *queue, const char *command, sh_redis_reply **ret, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    sh_err err = sh_redis_call(queue->redis, 1, (sh_slice[]){sh_slice_of(command)}, ret, &reason);
    return sh_err_is_transient(err) ? sh_fail(error, err, "%s", reason.message) : SH_OK;
}

static void read_info(sh_slice info, server_facts *ret)
{
    ret->has_info = info.len > 0;
    copy_field(info, "redis_version", ret->version, sizeof ret->version);
    ret->used_memory = number_field(info, "used_memory");
    ret->maxmemory = number_field(info, "maxmemory");
}

/* Seconds and microseconds, as texts. */
static int64_t read_time(const sh_redis_reply *reply)
{
    uint64_t seconds = 0;
    uint64_t us = 0;
    if (sh_redis_count(reply) != 2 ||
        !sh_text_to_u64(sh_redis_text(sh_redis_at(reply, 0)), INT64_MAX / 1000 - 1, &seconds) ||
        !sh_text_to_u64(sh_redis_text(sh_redis_at(reply, 1)), 999999, &us))
        return 0;
    return (int64_t)(seconds * 1000 + us / 1000);
}

sh_err server_facts_get(sh_queue *queue, server_facts *ret, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *info = NULL;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *time = NULL;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *oldest = NULL;
    const queue_oldest_arguments arguments = {.keys = {sh_slice_of(queue->stream)}};
    *ret = (server_facts){.has_info = false};
    sh_err err = ask(queue, "INFO", &info, error);
    if (err == SH_OK)
        err = ask(queue, "TIME", &time, error);
    if (err == SH_OK)
        err = sh_redis_script_run(queue->redis, &sh_script_queue_oldest,
                                  SH_REDIS_ARGUMENTS(arguments), &oldest, error);
    if (err != SH_OK)
        return err;
    if (info != NULL)
        read_info(sh_redis_text(info), ret);
    ret->now_ms = time == NULL ? 0 : read_time(time);
    sh_slice id = sh_redis_text(oldest);
    ret->oldest_ms = id.len == 0 ? 0 : strtoll(id.data, NULL, 10);
    return SH_OK;
}

sh_err queue_oldest_age(sh_queue *queue, int64_t *ret, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const oldest_age_arguments arguments = {.keys = {sh_slice_of(queue->stream)}};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_oldest_age,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err == SH_OK)
        *ret = sh_redis_integer(reply);
    return err;
}
