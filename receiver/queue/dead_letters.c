/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/dead_letters.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LETTERS_AT_ONCE "500"   /* in one reply */
#define BYTES_AT_ONCE "4194304" /* of envelopes, so that a run does not block Redis */

/* Accepts only `ms-seq`: Redis also accepts shorter forms, which match more than one entry. */
static bool is_stream_id(const char *id)
{
    const char *dash = strchr(id, '-');
    uint64_t number;
    return dash != NULL && strlen(id) < QUEUE_ENTRY_ID_BYTES &&
           sh_text_to_u64((sh_slice){id, (size_t)(dash - id)}, UINT64_MAX, &number) &&
           sh_text_to_u64(sh_slice_of(dash + 1), UINT64_MAX, &number);
}

static sh_err fail_missing(const char *id, sh_error *error)
{
    return sh_fail(error, SH_E_NOT_FOUND, "there is no dead letter %.64s", id);
}

/* Calls each() with one element of the script's reply. */
static sh_err give_letter(const sh_redis_reply *one, dead_letter_each each, void *context,
                          dead_letter *letter, sh_error *error)
{
    sh_slice id = sh_redis_count(one) == 6 ? sh_redis_text(sh_redis_at(one, 0)) : (sh_slice){0};
    if (id.len == 0 || id.len >= sizeof letter->id)
        return sh_fail(error, SH_E_FORMAT, "Redis replied a dead letter without an id");
    *letter = (dead_letter){.head = sh_redis_text(sh_redis_at(one, 1)),
                            .bytes = (size_t)sh_redis_integer(sh_redis_at(one, 2)),
                            .mode = sh_redis_text(sh_redis_at(one, 3)),
                            .entry = sh_redis_text(sh_redis_at(one, 4)),
                            .reason = sh_redis_text(sh_redis_at(one, 5))};
    memcpy(letter->id, id.data, id.len);
    return each(context, letter, error);
}

/* The receiver of the letters. */
typedef struct {
    dead_letter_each each;
    void *context;
    char last[QUEUE_ENTRY_ID_BYTES]; /* id of the reply's last letter, "" if it is empty */
} letter_receiver;

/* The letters of one reply, from one id to another. */
static sh_err give_some_letters(sh_queue *queue, const char *from, const char *to,
                                letter_receiver *to_whom, sh_error *error)
{
    char head[SH_REDIS_NUMBER_BYTES];
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const dead_list_arguments arguments = {
        .keys = {sh_slice_of(queue->dead)},
        .from = sh_slice_of(from),
        .to = sh_slice_of(to),
        .letters_max = SH_SLICE(LETTERS_AT_ONCE),
        .head_bytes = sh_redis_number(SH_ENVELOPE_HEAD_BYTES, head),
        .bytes_max = SH_SLICE(BYTES_AT_ONCE),
    };
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_dead_list,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    to_whom->last[0] = '\0';
    for (size_t i = 0; err == SH_OK && i < sh_redis_count(reply); i++) {
        dead_letter letter;
        err = give_letter(sh_redis_at(reply, i), to_whom->each, to_whom->context, &letter, error);
        if (err == SH_OK)
            memcpy(to_whom->last, letter.id, sizeof letter.id);
    }
    return err;
}

sh_err dead_letters_list(sh_queue *queue, dead_letter_each each, void *context, sh_error *error)
{
    return dead_letters_list_after(queue, "0-0", each, context, error);
}

sh_err dead_letters_list_after(sh_queue *queue, const char *id, dead_letter_each each,
                               void *context, sh_error *error)
{
    letter_receiver to_whom = {.each = each, .context = context};
    char from[QUEUE_ENTRY_ID_BYTES + 1];
    if (!is_stream_id(id))
        return sh_fail(error, SH_E_FORMAT, "this is not the id of a dead letter");
    (void)snprintf(from, sizeof from, "(%s", id);
    sh_err err = SH_OK;
    do {
        err = give_some_letters(queue, from, "+", &to_whom, error);
        (void)snprintf(from, sizeof from, "(%s", to_whom.last);
    } while (err == SH_OK && to_whom.last[0] != '\0');
    return err;
}

sh_err dead_letters_get(sh_queue *queue, const char *id, dead_letter_each each, void *context,
                        sh_error *error)
{
    letter_receiver to_whom = {.each = each, .context = context};
    if (!is_stream_id(id))
        return fail_missing(id, error);
    sh_err err = give_some_letters(queue, id, id, &to_whom, error);
    return err == SH_OK && to_whom.last[0] == '\0' ? fail_missing(id, error) : err;
}

/* --- Changes --------------------------------------------------------------------------------- */

/* The arguments of both scripts, of which the id is different in each run. */
#define CHANGE_ARGUMENTS_MAX 10
typedef struct {
    const sh_redis_script *script;
    sh_redis_arguments arguments;
    size_t id; /* its index */
} change_script;

static void read_reply(dead_letter_change *change, const sh_redis_reply *reply)
{
    if (sh_slice_equals(sh_redis_text(reply), SH_SLICE("missing")))
        change->err = fail_missing(change->id, &change->error);
    else if (sh_slice_equals(sh_redis_text(reply), SH_SLICE("full")))
        change->err = sh_fail(
            &change->error, SH_E_BUSY,
            "the queue is full: the dead letter %.64s was not moved; try again when merge has "
            "caught up",
            change->id);
}

static void change_each(sh_queue *queue, const change_script *what, dead_letter_change changes[],
                        size_t count)
{
    sh_slice argv[DEAD_LETTERS_AT_ONCE][SH_REDIS_SCRIPT_ARGUMENTS + CHANGE_ARGUMENTS_MAX];
    sh_redis_command commands[DEAD_LETTERS_AT_ONCE];
    dead_letter_change *changed[DEAD_LETTERS_AT_ONCE];
    size_t runs = 0;
    assert(count <= DEAD_LETTERS_AT_ONCE && what->arguments.argc <= CHANGE_ARGUMENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!is_stream_id(changes[i].id)) {
            changes[i].err = fail_missing(changes[i].id, &changes[i].error);
            continue;
        }
        sh_slice *own = &argv[runs][SH_REDIS_SCRIPT_ARGUMENTS];
        memcpy(own, what->arguments.argv, what->arguments.argc * sizeof own[0]);
        own[what->id] = sh_slice_of(changes[i].id);
        commands[runs] =
            (sh_redis_command){.argc = SH_REDIS_SCRIPT_ARGUMENTS + what->arguments.argc,
                               .argv = argv[runs],
                               .error = &changes[i].error};
        changed[runs++] = &changes[i];
    }
    if (runs > 0)
        sh_redis_script_run_each(queue->redis, what->script, what->arguments.key_count, commands,
                                 runs);
    for (size_t i = 0; i < runs; i++) {
        changed[i]->err = commands[i].err;
        if (commands[i].err == SH_OK)
            read_reply(changed[i], commands[i].reply);
        sh_redis_reply_free(commands[i].reply);
    }
}

#define INDEX_OF(type, member) (offsetof(type, member) / sizeof(sh_slice))

void dead_letters_retry_each(sh_queue *queue, dead_letter_change changes[], size_t count)
{
    char entries[SH_REDIS_NUMBER_BYTES], bytes[SH_REDIS_NUMBER_BYTES];
    const dead_retry_arguments arguments = {
        .keys = {.stream = sh_slice_of(queue->stream),
                 .bytes = sh_slice_of(queue->bytes),
                 .dead = sh_slice_of(queue->dead),
                 .dead_bytes = sh_slice_of(queue->dead_bytes),
                 .shares = sh_slice_of(queue->shares),
                 .dead_shares = sh_slice_of(queue->dead_shares),
                 .digests = sh_slice_of(queue->digests)},
        .entries_max = sh_redis_number(SH_QUEUE_ENTRIES_MAX, entries),
        .bytes_max = sh_redis_number(SH_QUEUE_BYTES_MAX, bytes),
    };
    const change_script what = {&sh_script_dead_retry, SH_REDIS_ARGUMENTS(arguments),
                                INDEX_OF(dead_retry_arguments, id)};
    change_each(queue, &what, changes, count);
}

void dead_letters_drop_each(sh_queue *queue, dead_letter_change changes[], size_t count)
{
    const dead_drop_arguments arguments = {.keys = {sh_slice_of(queue->dead),
                                                    sh_slice_of(queue->dead_bytes),
                                                    sh_slice_of(queue->dead_shares)}};
    const change_script what = {&sh_script_dead_drop, SH_REDIS_ARGUMENTS(arguments),
                                INDEX_OF(dead_drop_arguments, id)};
    change_each(queue, &what, changes, count);
}

typedef void (*change_function)(sh_queue *queue, dead_letter_change changes[], size_t count);

static sh_err change_one(sh_queue *queue, change_function function, const char *id, sh_error *error)
{
    dead_letter_change change = {.id = id};
    function(queue, &change, 1);
    return change.err == SH_OK ? SH_OK : sh_fail(error, change.err, "%s", change.error.message);
}

sh_err dead_letters_retry(sh_queue *queue, const char *id, sh_error *error)
{
    return change_one(queue, dead_letters_retry_each, id, error);
}

sh_err dead_letters_drop(sh_queue *queue, const char *id, sh_error *error)
{
    return change_one(queue, dead_letters_drop_each, id, error);
}
