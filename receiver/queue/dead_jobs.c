/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/dead_jobs.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/dead_letters.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdlib.h>
#include <string.h>

#define STEP_LETTERS "200"
#define STEP_BYTES "1048576" /* of envelopes, so that a step does not block Redis */

static const char *const action_names[] = {[DEAD_JOB_RETRY] = "retry", [DEAD_JOB_DROP] = "drop"};
static const char *const state_names[DEAD_JOB_STATES] = {[DEAD_JOB_RUNNING] = "running",
                                                         [DEAD_JOB_WAITING] = "waiting",
                                                         [DEAD_JOB_DONE] = "done",
                                                         [DEAD_JOB_CANCELLED] = "cancelled"};

const char *dead_job_action_name(dead_job_action action)
{
    return action_names[action];
}

const char *dead_job_state_name(dead_job_state state)
{
    return state_names[state];
}

bool dead_job_is_active(const dead_job *job)
{
    return job->state == DEAD_JOB_RUNNING || job->state == DEAD_JOB_WAITING;
}

/* --- Records --------------------------------------------------------------------------------- */

/* Removes the first word and the space behind it. */
static sh_slice next_word(sh_slice *text)
{
    const char *space = text->len == 0 ? NULL : memchr(text->data, ' ', text->len);
    size_t len = space == NULL ? text->len : (size_t)(space - text->data);
    size_t used = len + (space != NULL);
    sh_slice word = {text->data, len};
    *text = (sh_slice){text->data + used, text->len - used};
    return word;
}

static bool read_number(sh_slice *text, int64_t *ret)
{
    uint64_t number = 0;
    if (!sh_text_to_u64(next_word(text), INT64_MAX, &number))
        return false;
    *ret = (int64_t)number;
    return true;
}

static bool read_state(sh_slice text, dead_job_state *ret)
{
    for (int i = 0; i < DEAD_JOB_STATES; i++)
        if (sh_slice_equals(text, sh_slice_of(state_names[i]))) {
            *ret = (dead_job_state)i;
            return true;
        }
    return false;
}

bool dead_job_read(sh_slice id, sh_slice text, dead_job *ret)
{
    *ret = (dead_job){.action = DEAD_JOB_RETRY};
    if (id.len != sizeof ret->id - 1 || !read_state(next_word(&text), &ret->state))
        return false;
    memcpy(ret->id, id.data, id.len);
    sh_slice action = next_word(&text);
    if (sh_slice_equals(action, sh_slice_of(action_names[DEAD_JOB_DROP])))
        ret->action = DEAD_JOB_DROP;
    else if (!sh_slice_equals(action, sh_slice_of(action_names[DEAD_JOB_RETRY])))
        return false;
    if (!read_number(&text, &ret->total) || !read_number(&text, &ret->done))
        return false;
    (void)next_word(&text); /* position and end, which only the scripts use */
    (void)next_word(&text);
    if (!read_number(&text, &ret->began_ms) || !read_number(&text, &ret->changed_ms) ||
        text.len >= sizeof ret->node)
        return false;
    if (text.len > 0)
        memcpy(ret->node, text.data, text.len);
    return true;
}

static sh_err fail_missing(const char *id, sh_error *error)
{
    return sh_fail(error, SH_E_NOT_FOUND,
                   "there is no job %.64s: it was forgotten, or Redis lost its data", id);
}

sh_err dead_jobs_get(sh_queue *queue, const char *id, dead_job *ret, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_slice argv[] = {SH_SLICE("HGET"), sh_slice_of(queue->dead_jobs), sh_slice_of(id)};
    sh_err err = sh_redis_call(queue->redis, 3, argv, &reply, error);
    if (err == SH_OK && !dead_job_read(sh_slice_of(id), sh_redis_text(reply), ret))
        err = fail_missing(id, error);
    return err;
}

static int by_beginning(const void *a, const void *b)
{
    const dead_job *left = a, *right = b;
    int order = (left->began_ms < right->began_ms) - (left->began_ms > right->began_ms);
    return order != 0 ? order : strcmp(left->id, right->id);
}

sh_err dead_jobs_list(sh_queue *queue, dead_job ret[static DEAD_JOBS_MAX], size_t *count,
                      sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_slice argv[] = {SH_SLICE("HGETALL"), sh_slice_of(queue->dead_jobs)};
    *count = 0;
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, error);
    for (size_t i = 0; err == SH_OK && i + 1 < sh_redis_count(reply) && *count < DEAD_JOBS_MAX;
         i += 2)
        if (dead_job_read(sh_redis_text(sh_redis_at(reply, i)),
                          sh_redis_text(sh_redis_at(reply, i + 1)), &ret[*count]))
            (*count)++;
    qsort(ret, *count, sizeof ret[0], by_beginning);
    return err;
}

/* --- Beginning and ending -------------------------------------------------------------------- */

typedef struct {
    const char *node;
    int64_t count;
} letter_count;

static sh_err count_letter(void *context, const dead_letter *letter, sh_error *error)
{
    letter_count *c = context;
    sh_envelope_header header;
    (void)error;
    if (sh_envelope_peek_head(letter->head, letter->bytes, &header, NULL) == SH_OK)
        c->count += strcmp(header.node, c->node) == 0;
    return SH_OK;
}

/* The number of a node's dead letters as an argument, or "" for those of all nodes. */
static sh_err count_letters(sh_queue *queue, const char *node, char room[SH_REDIS_NUMBER_BYTES],
                            sh_slice *ret, sh_error *error)
{
    letter_count count = {.node = node};
    *ret = SH_SLICE("");
    if (node[0] == '\0')
        return SH_OK;
    sh_err err = dead_letters_list(queue, count_letter, &count, error);
    if (err == SH_OK)
        *ret = sh_redis_number(count.count, room);
    return err;
}

sh_err dead_jobs_begin(sh_queue *queue, dead_job *job, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    char now[SH_REDIS_NUMBER_BYTES], total[SH_REDIS_NUMBER_BYTES], max[SH_REDIS_NUMBER_BYTES];
    char id[SH_ID_HEX_BYTES], known[SH_ID_HEX_BYTES] = "";
    uint8_t random[SH_ID_BYTES];
    dead_job_begin_arguments arguments = {
        .keys = {.dead = sh_slice_of(queue->dead), .jobs = sh_slice_of(queue->dead_jobs)},
        .id = sh_slice_of(id),
        .action = sh_slice_of(action_names[job->action]),
        .node = sh_slice_of(job->node),
        .now_ms = sh_redis_number(sh_clock_unix_ms(), now),
        .jobs_max = sh_redis_number(DEAD_JOBS_MAX, max)};
    sh_random(random, sizeof random);
    sh_hex_encode(random, sizeof random, id);
    arguments.id = sh_slice_of(id);
    sh_err err = count_letters(queue, job->node, total, &arguments.total, error);
    if (err == SH_OK)
        err = sh_redis_script_run(queue->redis, &sh_script_dead_job_begin,
                                  SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice active = sh_redis_text(sh_redis_at(reply, 0));
    if (sh_redis_count(reply) != 2 || active.len != sizeof known - 1)
        return sh_fail(error, SH_E_FORMAT, "Redis replied no id of a job");
    memcpy(known, active.data, active.len);
    bool other = sh_slice_equals(sh_redis_text(sh_redis_at(reply, 1)), SH_SLICE("other"));
    err = dead_jobs_get(queue, known, job, error);
    if (err == SH_OK && other)
        err = sh_fail(error, SH_E_REFUSED,
                      "the dead letters %s%s are being changed (%s) by job %s: wait until it has "
                      "ended, or cancel it",
                      job->node[0] == '\0' ? "of all nodes" : "of node ", job->node,
                      action_names[job->action], job->id);
    return err;
}

static sh_err read_state_reply(const char *id, const sh_redis_reply *reply, dead_job_state *ret,
                               sh_error *error)
{
    if (read_state(sh_redis_text(reply), ret))
        return SH_OK;
    return fail_missing(id, error);
}

sh_err dead_jobs_cancel(sh_queue *queue, const char *id, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    char now[SH_REDIS_NUMBER_BYTES];
    dead_job_state state;
    const dead_job_cancel_arguments arguments = {.keys = {sh_slice_of(queue->dead_jobs)},
                                                 .id = sh_slice_of(id),
                                                 .now_ms =
                                                     sh_redis_number(sh_clock_unix_ms(), now)};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_dead_job_cancel,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    return err == SH_OK ? read_state_reply(id, reply, &state, error) : err;
}

/* --- Steps ----------------------------------------------------------------------------------- */

static sh_err step_retry(sh_queue *queue, const char *id, sh_slice now_ms, sh_redis_reply **ret,
                         sh_error *error)
{
    char entries[SH_REDIS_NUMBER_BYTES], bytes[SH_REDIS_NUMBER_BYTES];
    const dead_job_retry_arguments arguments = {
        .keys = {.stream = sh_slice_of(queue->stream),
                 .bytes = sh_slice_of(queue->bytes),
                 .dead = sh_slice_of(queue->dead),
                 .dead_bytes = sh_slice_of(queue->dead_bytes),
                 .shares = sh_slice_of(queue->shares),
                 .dead_shares = sh_slice_of(queue->dead_shares),
                 .digests = sh_slice_of(queue->digests),
                 .jobs = sh_slice_of(queue->dead_jobs)},
        .id = sh_slice_of(id),
        .now_ms = now_ms,
        .letters_max = SH_SLICE(STEP_LETTERS),
        .read_max = SH_SLICE(STEP_BYTES),
        .entries_max = sh_redis_number(SH_QUEUE_ENTRIES_MAX, entries),
        .bytes_max = sh_redis_number(SH_QUEUE_BYTES_MAX, bytes)};
    return sh_redis_script_run(queue->redis, &sh_script_dead_job_retry,
                               SH_REDIS_ARGUMENTS(arguments), ret, error);
}

static sh_err step_drop(sh_queue *queue, const char *id, sh_slice now_ms, sh_redis_reply **ret,
                        sh_error *error)
{
    const dead_job_drop_arguments arguments = {
        .keys = {.dead = sh_slice_of(queue->dead),
                 .dead_bytes = sh_slice_of(queue->dead_bytes),
                 .dead_shares = sh_slice_of(queue->dead_shares),
                 .jobs = sh_slice_of(queue->dead_jobs)},
        .id = sh_slice_of(id),
        .now_ms = now_ms,
        .letters_max = SH_SLICE(STEP_LETTERS),
        .bytes_max = SH_SLICE(STEP_BYTES)};
    return sh_redis_script_run(queue->redis, &sh_script_dead_job_drop,
                               SH_REDIS_ARGUMENTS(arguments), ret, error);
}

sh_err dead_jobs_step(sh_queue *queue, const dead_job *job, dead_job_state *state, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    char room[SH_REDIS_NUMBER_BYTES];
    sh_slice now_ms = sh_redis_number(sh_clock_unix_ms(), room);
    sh_err err = job->action == DEAD_JOB_RETRY ? step_retry(queue, job->id, now_ms, &reply, error)
                                               : step_drop(queue, job->id, now_ms, &reply, error);
    return err == SH_OK ? read_state_reply(job->id, reply, state, error) : err;
}
