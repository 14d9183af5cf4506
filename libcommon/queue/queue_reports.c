/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/queue_reports.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/queue/queue_cursor.h"
#include "libcommon/queue/queue_handle.h"
#include "libcommon/queue/queue_scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(SH_REPORTS_AT_ONCE == SH_REPORTS_PUT_MAX, "the scripts take as many");

#define NUMBER_BYTES SH_REDIS_NUMBER_BYTES

static const char *key_of(const sh_queue *queue, sh_reported kind)
{
    switch (kind) {
    case SH_REPORTED_AGENTS:
        return queue->agents;
    case SH_REPORTED_PROBLEMS:
        return queue->problems;
    case SH_REPORTED_CONFLICTS:
        return queue->conflicts;
    default:
        return queue->auth_failures;
    }
}

/* --- Writing --------------------------------------------------------------------------------- */

typedef struct {
    char contact[48], agent[SH_AGENT_MAX + SH_INSTANCE_MAX + SH_ADDRESS_MAX + 96];
    char problem[SH_PROBLEM_TEXT_MAX + SH_PROBLEM_KIND_MAX + 64];
} report_texts;

static void write_texts(const sh_queue_report *r, report_texts *ret)
{
    *ret = (report_texts){.contact = ""};
    if (r->is_contact)
        (void)snprintf(ret->contact, sizeof ret->contact, "%" PRId64 " %s", r->ms, r->mode);
    if (r->protocol != NULL)
        (void)snprintf(ret->agent, sizeof ret->agent, "%" PRId64 " %" PRId64 " %s %s %s %s", r->ms,
                       r->interval_s, r->protocol, r->instance[0] == '\0' ? "-" : r->instance,
                       r->address[0] == '\0' ? "-" : r->address, r->agent);
    if (r->kind[0] != '\0')
        (void)snprintf(ret->problem, sizeof ret->problem, "%" PRId64 " %" PRId64 " %s %s",
                       r->problem_ms, r->status, r->kind, r->text);
}

/* The script answers with the numbers, from 1, of the reports of nodes whose instances alternate.
 */
static void read_shared(const sh_redis_reply *reply, size_t count, bool shared[])
{
    memset(shared, 0, count * sizeof shared[0]);
    for (size_t i = 0; i < sh_redis_count(reply); i++) {
        int64_t number = sh_redis_integer(sh_redis_at(reply, i));
        if (number >= 1 && number <= (int64_t)count)
            shared[number - 1] = true;
    }
}

sh_err sh_queue_reports_put(sh_queue *queue, const sh_queue_report reports[], size_t count,
                            bool shared[], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    char numbers[5][NUMBER_BYTES];
    report_texts texts[SH_REPORTS_AT_ONCE];
    assert(count > 0 && count <= SH_REPORTS_AT_ONCE);
    reports_put_arguments arguments = {
        .keys = {sh_slice_of(queue->contacts), sh_slice_of(queue->nodes),
                 sh_slice_of(queue->agents), sh_slice_of(queue->problems),
                 sh_slice_of(queue->conflicts), sh_slice_of(queue->instances)},
        .names_max = sh_redis_number(queue->names_max, numbers[0]),
        .reports_max = sh_redis_number(SH_REPORTS_MAX, numbers[1]),
        .strangers_max = sh_redis_number(SH_STRANGERS_MAX, numbers[2]),
        .window_ms = sh_redis_number(SH_CONFLICT_WINDOW_MS, numbers[3]),
        .now_ms = sh_redis_number(sh_clock_unix_ms(), numbers[4]),
    };
    for (size_t i = 0; i < count; i++) {
        const sh_queue_report *r = &reports[i];
        bool has_conflict = r->has_conflict || r->instance[0] != '\0';
        write_texts(r, &texts[i]);
        arguments.report[i].node = sh_slice_of(r->node);
        arguments.report[i].contact = sh_slice_of(texts[i].contact);
        arguments.report[i].agent = sh_slice_of(texts[i].agent);
        arguments.report[i].instance = sh_slice_of(r->has_conflict ? "" : r->instance);
        arguments.report[i].conflict = sh_slice_of(has_conflict ? r->conflict : "");
        arguments.report[i].problem = sh_slice_of(texts[i].problem);
    }
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(arguments);
    all.argc -= (SH_REPORTS_AT_ONCE - count) * sizeof arguments.report[0] / sizeof(sh_slice);
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_reports_put, all, &reply, error);
    if (err == SH_OK && shared != NULL)
        read_shared(reply, count, shared);
    return err;
}

sh_err sh_queue_auth_failures_put(sh_queue *queue, const sh_queue_auth_failure failures[],
                                  size_t count, sh_error *error)
{
    char most[NUMBER_BYTES], numbers[SH_REPORTS_AT_ONCE][3][NUMBER_BYTES];
    char fields[SH_REPORTS_AT_ONCE][SH_ADDRESS_MAX + SH_NODE_NAME_MAX + 2];
    assert(count > 0 && count <= SH_REPORTS_AT_ONCE);
    auth_failures_put_arguments arguments = {
        .keys = {sh_slice_of(queue->auth_failures)},
        .failures_max = sh_redis_number(SH_AUTH_FAILURES_MAX, most),
    };
    for (size_t i = 0; i < count; i++) {
        const sh_queue_auth_failure *f = &failures[i];
        (void)snprintf(fields[i], sizeof fields[i], "%s %s", f->address, f->node);
        arguments.failure[i].field = sh_slice_of(fields[i]);
        arguments.failure[i].number = sh_redis_number(f->failures, numbers[i][0]);
        arguments.failure[i].first_ms = sh_redis_number(f->first_ms, numbers[i][1]);
        arguments.failure[i].last_ms = sh_redis_number(f->last_ms, numbers[i][2]);
        arguments.failure[i].reason = sh_slice_of(f->reason);
    }
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(arguments);
    all.argc -= (SH_REPORTS_AT_ONCE - count) * sizeof arguments.failure[0] / sizeof(sh_slice);
    return sh_queue_do_script(queue, &sh_script_auth_failures_put, all, error);
}

/* --- Reading --------------------------------------------------------------------------------- */

sh_err sh_queue_reports(sh_queue *queue, sh_reported kind, sh_queue_report_each each, void *context,
                        sh_error *error)
{
    return sh_queue_scan(queue, key_of(queue, kind), each, context, error);
}

/* Removes the first word and the space after it from text. */
static sh_slice next_word(sh_slice *text)
{
    const char *space = text->len == 0 ? NULL : memchr(text->data, ' ', text->len);
    sh_slice word = {text->data, space == NULL ? text->len : (size_t)(space - text->data)};
    size_t used = word.len + (space != NULL);
    *text = (sh_slice){text->data + used, text->len - used};
    return word;
}

static bool next_number(sh_slice *text, int64_t *ret)
{
    uint64_t number = 0;
    bool good = sh_text_to_u64(next_word(text), INT64_MAX, &number);
    *ret = (int64_t)number;
    return good;
}

static bool copy(sh_slice text, char *ret, size_t bytes)
{
    if (text.len >= bytes)
        return false;
    if (text.len > 0)
        memcpy(ret, text.data, text.len);
    ret[text.len] = '\0';
    return true;
}

static bool read_agent(sh_slice value, sh_queue_report *ret)
{
    bool good = next_number(&value, &ret->interval_s);
    sh_slice protocol = next_word(&value);
    sh_slice instance = next_word(&value);
    ret->protocol = sh_slice_equals(protocol, SH_SLICE("netalertx")) ? "netalertx" : "native";
    sh_slice address = next_word(&value);
    if (sh_slice_equals(instance, SH_SLICE("-")))
        instance = SH_SLICE("");
    if (sh_slice_equals(address, SH_SLICE("-")))
        address = SH_SLICE("");
    return good && copy(instance, ret->instance, sizeof ret->instance) &&
           copy(address, ret->address, sizeof ret->address) &&
           copy(value, ret->agent, sizeof ret->agent);
}

bool sh_queue_report_read(sh_reported kind, sh_slice field, sh_slice value, sh_queue_report *ret)
{
    *ret = (sh_queue_report){.ms = 0};
    if (field.len == 0 || !copy(field, ret->node, sizeof ret->node) ||
        !next_number(&value, &ret->ms))
        return false;
    if (kind == SH_REPORTED_AGENTS)
        return read_agent(value, ret);
    if (kind == SH_REPORTED_CONFLICTS) {
        ret->has_conflict = true;
        return copy(value, ret->conflict, sizeof ret->conflict);
    }
    ret->problem_ms = ret->ms;
    return next_number(&value, &ret->status) &&
           copy(next_word(&value), ret->kind, sizeof ret->kind) &&
           copy(value, ret->text, sizeof ret->text);
}

bool sh_queue_auth_failure_read(sh_slice field, sh_slice value, sh_queue_auth_failure *ret)
{
    *ret = (sh_queue_auth_failure){.failures = 0};
    return copy(next_word(&field), ret->address, sizeof ret->address) &&
           copy(field, ret->node, sizeof ret->node) && next_number(&value, &ret->failures) &&
           next_number(&value, &ret->first_ms) && next_number(&value, &ret->last_ms) &&
           copy(value, ret->reason, sizeof ret->reason);
}

sh_err sh_queue_reports_remove(sh_queue *queue, sh_reported kind,
                               const sh_queue_reported reported[], size_t count, sh_error *error)
{
    reports_remove_arguments arguments = {.keys = {sh_slice_of(key_of(queue, kind))}};
    assert(count > 0 && count <= SH_REPORTS_AT_ONCE);
    for (size_t i = 0; i < count; i++) {
        arguments.reported[i].field = sh_slice_of(reported[i].field);
        arguments.reported[i].value = sh_slice_of(reported[i].value);
    }
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(arguments);
    all.argc -= 2 * (SH_REPORTS_AT_ONCE - count);
    return sh_queue_do_script(queue, &sh_script_reports_remove, all, error);
}

sh_err sh_queue_nodes_are_known(sh_queue *queue, const char *const nodes[], size_t count,
                                bool ret[], sh_error *error)
{
    const char *const keys[] = {queue->contacts, queue->problems, queue->agents, queue->conflicts};
    enum { KEYS = sizeof keys / sizeof keys[0] };
    sh_slice argv[KEYS][2 + SH_QUEUE_AT_ONCE];
    sh_redis_command commands[KEYS];
    sh_error errors[KEYS] = {{.code = SH_OK}};
    sh_err err = SH_OK;
    assert(count > 0 && count <= SH_QUEUE_AT_ONCE);
    memset(ret, 0, count * sizeof ret[0]);
    for (size_t key = 0; key < KEYS; key++) {
        argv[key][0] = SH_SLICE("HMGET");
        argv[key][1] = sh_slice_of(keys[key]);
        for (size_t i = 0; i < count; i++)
            argv[key][2 + i] = sh_slice_of(nodes[i]);
        commands[key] =
            (sh_redis_command){.argc = 2 + count, .argv = argv[key], .error = &errors[key]};
    }
    sh_redis_call_each(queue->redis, commands, KEYS);
    for (size_t key = 0; key < KEYS; key++) {
        if (commands[key].err != SH_OK && err == SH_OK)
            err = sh_fail(error, commands[key].err, "%s", errors[key].message);
        for (size_t i = 0; i < count; i++)
            ret[i] =
                ret[i] || sh_redis_kind_of(sh_redis_at(commands[key].reply, i)) != SH_REDIS_NIL;
        sh_redis_reply_free(commands[key].reply);
    }
    return err;
}

sh_err sh_queue_node_forget(sh_queue *queue, const char *node, sh_error *error)
{
    const char *const keys[] = {queue->contacts, queue->digests,   queue->agents,
                                queue->problems, queue->conflicts, queue->instances};
    sh_err err = SH_OK;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && err == SH_OK; i++) {
        sh_slice argv[] = {SH_SLICE("HDEL"), sh_slice_of(keys[i]), sh_slice_of(node)};
        err = sh_queue_do(queue, 3, argv, error);
    }
    return err;
}

sh_err sh_queue_auth_failures_clear(sh_queue *queue, sh_error *error)
{
    sh_slice argv[] = {SH_SLICE("DEL"), sh_slice_of(queue->auth_failures)};
    return sh_queue_do(queue, 2, argv, error);
}

/* --- Entries --------------------------------------------------------------------------------- */

typedef struct {
    sh_queue_held_each each;
    void *context;
} held_reader;

static sh_err read_held(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    const held_reader *reader = context;
    int64_t entries = 0;
    return next_number(&value, &entries) ? reader->each(reader->context, field, entries, error)
                                         : SH_OK;
}

sh_err sh_queue_held(sh_queue *queue, bool dead, sh_queue_held_each each, void *context,
                     sh_error *error)
{
    held_reader reader = {.each = each, .context = context};
    return sh_queue_scan(queue, dead ? queue->dead_shares : queue->shares, read_held, &reader,
                         error);
}
