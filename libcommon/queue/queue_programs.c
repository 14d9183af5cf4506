/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "libcommon/queue/queue_scripts.h"
#include "libcommon/queue/queue_settings.h"

#include <string.h>

sh_err sh_queue_program_put(sh_queue *queue, const char *id, sh_slice report, sh_error *error)
{
    char count[SH_REDIS_NUMBER_BYTES], kept[SH_REDIS_NUMBER_BYTES];
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_program_put_arguments arguments = {
        .keys = {sh_slice_of(queue->programs)},
        .id = sh_slice_of(id),
        .report = report,
        .programs_max = sh_redis_number(SH_PROGRAMS_MAX, count),
        .kept_s = sh_redis_number(SH_PROGRAM_KEPT_S, kept),
    };
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_program_put,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err == SH_OK && sh_slice_equals(sh_redis_text(reply), SH_SLICE("full")))
        err = sh_fail(error, SH_E_LIMIT, "%d programs report their settings already",
                      SH_PROGRAMS_MAX);
    return err;
}

/* `<age in s> <report>` */
static sh_err give_program(sh_slice text, sh_queue_program_each each, void *context,
                           sh_error *error)
{
    const char *space = memchr(text.data, ' ', text.len);
    uint64_t age_s = 0;
    if (space == NULL)
        return SH_OK;
    size_t len = (size_t)(space - text.data);
    if (!sh_text_to_u64((sh_slice){text.data, len}, SH_PROGRAM_KEPT_S, &age_s))
        return SH_OK;
    return each(context, (sh_slice){space + 1, text.len - len - 1}, (int64_t)age_s, error);
}

sh_err sh_queue_programs(sh_queue *queue, sh_queue_program_each each, void *context,
                         sh_error *error)
{
    char kept[SH_REDIS_NUMBER_BYTES];
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_programs_read_arguments arguments = {
        .keys = {sh_slice_of(queue->programs)},
        .kept_s = sh_redis_number(SH_PROGRAM_KEPT_S, kept),
    };
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_programs_read,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    for (size_t i = 0; i < sh_redis_count(reply) && err == SH_OK; i++)
        err = give_program(sh_redis_text(sh_redis_at(reply, i)), each, context, error);
    return err;
}
