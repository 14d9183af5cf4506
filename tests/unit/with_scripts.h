/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_WITH_SCRIPTS_H
#define TESTS_WITH_SCRIPTS_H

#include "libcommon/crypto/crypto.h"
#include "libcommon/queue/redis_script.h"
#include "tests/unit/with_redis.h"

/* Scripts on a real Redis; tests compare replies as text. */

static with_redis server;
static sh_redis *redis;
static const sh_redis_texts no_texts = {.url_setting = "url", .ca_setting = "ca"};

#define SCRIPTS_RUN_MAX 64
static const sh_redis_script *scripts_run[SCRIPTS_RUN_MAX]; /* that some test has run */
static size_t scripts_run_count;

static int start(void **state)
{
    (void)state;
    if (sh_crypto_init(NULL) != SH_OK)
        return -1;
    redis_start(&server, "0");
    return sh_redis_new(&(sh_redis_options){.url = server.url, .texts = &no_texts}, &redis, NULL) ==
                   SH_OK
               ? 0
               : -1;
}

static int stop(void **state)
{
    (void)state;
    sh_redis_free(redis);
    redis_stop(&server);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    (void)redis_ask(&server, "FLUSHALL");
    return 0;
}

static inline void trace_add(char *trace, size_t room, const char *text, size_t len)
{
    size_t used = strlen(trace);
    assert_true(used + len < room);
    memcpy(trace + used, text, len);
    trace[used + len] = '\0';
}

/* `text`, `7`, `nil`, `(a b (c))` */
static inline void trace_reply(const redisReply *reply, char *trace, size_t room)
{
    char number[32];
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        trace_add(trace, room, number,
                  (size_t)snprintf(number, sizeof number, "%lld", reply->integer));
        break;
    case REDIS_REPLY_ARRAY:
        trace_add(trace, room, "(", 1);
        for (size_t i = 0; i < reply->elements; i++) {
            if (i > 0)
                trace_add(trace, room, " ", 1);
            trace_reply(reply->element[i], trace, room);
        }
        trace_add(trace, room, ")", 1);
        break;
    case REDIS_REPLY_NIL:
        trace_add(trace, room, "nil", 3);
        break;
    default:
        trace_add(trace, room, reply->str, reply->len);
    }
}

/* What a command of the test's own answers. */
static inline const char *ask(const char *format, ...)
{
    static char trace[4096];
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(server.client, format, arguments);
    va_end(arguments);
    assert_non_null(reply);
    trace[0] = '\0';
    trace_reply(reply, trace, sizeof trace);
    freeReplyObject(reply);
    return trace;
}

/* What a script answers: as above, or the beginning of Redis's error. */
static inline const char *script_answer(const sh_redis_script *script, sh_redis_arguments arguments)
{
    static char trace[4096];
    sh_redis_reply *reply = NULL;
    sh_error error = {.code = SH_OK};
    bool seen = false;
    for (size_t i = 0; i < scripts_run_count; i++)
        seen = seen || scripts_run[i] == script;
    assert_true(scripts_run_count < SCRIPTS_RUN_MAX);
    if (!seen)
        scripts_run[scripts_run_count++] = script;
    trace[0] = '\0';
    if (sh_redis_script_run(redis, script, arguments, &reply, &error) != SH_OK)
        (void)snprintf(trace, sizeof trace, "%s", error.message);
    else
        trace_reply((const redisReply *)reply, trace, sizeof trace);
    sh_redis_reply_free(reply);
    return trace;
}

#define ANSWER(name, arguments) script_answer(&sh_script_##name, SH_REDIS_ARGUMENTS(arguments))

/* The last test: each script has one, and Redis knows it by the SHA-1 that it was built with. */
static inline void check_all_scripts(const sh_redis_script *const all[])
{
    for (size_t i = 0; all[i] != NULL; i++) {
        bool seen = false;
        for (size_t k = 0; k < scripts_run_count; k++)
            seen = seen || scripts_run[k] == all[i];
        if (!seen)
            fail_msg("no test has run %s.lua", all[i]->name);
        assert_string_equal(ask("SCRIPT LOAD %s", all[i]->text), all[i]->sha1);
    }
}

/* `ms-seq` of the entry at an index of a stream, of few. */
static inline const char *entry_id(const char *stream, size_t index)
{
    static char ids[4][48];
    static int next;
    char *id = ids[next++ % 4];
    redisReply *reply = redisCommand(server.client, "XRANGE %s - +", stream);
    assert_true(index < reply->elements);
    (void)snprintf(id, sizeof ids[0], "%s", reply->element[index]->element[0]->str);
    freeReplyObject(reply);
    return id;
}

/* An envelope of a node's device table, as far as scripts read it: 112 bytes and the name. */
static inline sh_slice envelope_of(const char *node)
{
    static char bytes[4][112 + 64];
    static int next;
    char *envelope = bytes[next++ % 4];
    memset(envelope, 'x', 112);
    envelope[5] = 1;
    envelope[6] = (char)strlen(node);
    memcpy(envelope + 112, node, strlen(node));
    return (sh_slice){envelope, 112 + strlen(node)};
}

/* An entry of a node, as queue_put.lua leaves it; its id. */
static inline const char *add_entry(const char *node)
{
    sh_slice envelope = envelope_of(node);
    (void)ask("XADD ingest * e %b m push", envelope.data, envelope.len);
    (void)ask("INCRBY bytes %d", (int)envelope.len);
    return entry_id("ingest", (size_t)(redis_ask(&server, "XLEN ingest") - 1));
}

static inline void make_group(void)
{
    (void)ask("XGROUP CREATE ingest g 0 MKSTREAM");
}

/* Gives so many entries out to a consumer. */
static inline void give_out(const char *consumer, int count)
{
    (void)ask("XREADGROUP GROUP g %s COUNT %d STREAMS ingest >", consumer, count);
}

static inline const char *pending_of(const char *consumer)
{
    static char count[24];
    redisReply *reply = redisCommand(server.client, "XPENDING ingest g - + 1000 %s", consumer);
    (void)snprintf(count, sizeof count, "%zu", reply->elements);
    freeReplyObject(reply);
    return count;
}

#endif
