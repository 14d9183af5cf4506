/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/redis_connection.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_TIMEOUT_MS 4000 /* a program stops within 10 s even if Redis hangs */

/* A connection to one of the sentinels, which redis_connect.c asks for the master. */
static sh_err new_sentinels(sh_redis *r, sh_error *error)
{
    sh_redis *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a connection to Sentinel");
    r->sentinels = s;
    r->sentinel_texts = *r->texts;
    r->sentinel_texts.advice[SH_REDIS_ADVICE_LOGIN] =
        r->texts->advice[SH_REDIS_ADVICE_SENTINEL_LOGIN];
    s->is_sentinel = true;
    s->texts = &r->sentinel_texts;
    s->address = r->address;
    s->address.tls = r->address.sentinel_tls;
    s->address.login = r->address.sentinel_login;
    s->address.master[0] = '\0';
    (void)snprintf(s->address.database, sizeof s->address.database, "0");
    if (r->ca_file != NULL && (s->ca_file = strdup(r->ca_file)) == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a connection to Sentinel");
    return SH_OK;
}

/* Copies a text that may be NULL or empty. */
static sh_err copy_option(const char *text, char **ret, sh_error *error)
{
    if (text == NULL || text[0] == '\0')
        return SH_OK;
    *ret = strdup(text);
    return *ret != NULL ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory for a Redis connection");
}

static sh_err read_options(sh_redis *r, const sh_redis_options *options, sh_error *error)
{
    sh_error why = {0};
    sh_err err = sh_redis_address_read(options->url, &r->address, &why);
    if (err != SH_OK)
        return sh_fail(error, err, "%s: %s", r->texts->url_setting, why.message);
    if ((r->address.tls || r->address.sentinel_tls) && !sh_redis_has_tls())
        return sh_fail(error, SH_E_CONFIG, "%s: " SH_REDIS_WITHOUT_TLS, r->texts->url_setting);
    err = copy_option(options->ca_file, &r->ca_file, error);
    if (err == SH_OK)
        err = copy_option(options->key, &r->key, error);
    if (err == SH_OK && r->address.master[0] != '\0')
        err = new_sentinels(r, error);
    return err;
}

sh_err sh_redis_new(const sh_redis_options *options, sh_redis **ret, sh_error *error)
{
    sh_redis *r = calloc(1, sizeof *r);
    if (r == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a Redis connection");
    r->texts = options->texts;
    sh_err err = read_options(r, options, error);
    if (err != SH_OK) {
        sh_redis_free(r);
        return err;
    }
    *ret = r;
    return SH_OK;
}

bool sh_redis_has_tls(void)
{
#ifdef SYNCHUB_HIREDIS_TLS
    return true;
#else
    return false;
#endif
}

void sh_redis_disconnect(sh_redis *r)
{
    if (r->context != NULL)
        redisFree(r->context);
    r->context = NULL;
    r->leave = false;
}

/* All but the connection to the sentinels, which has none itself. */
static void free_connection(sh_redis *r)
{
    if (r == NULL)
        return;
    sh_redis_disconnect(r);
#ifdef SYNCHUB_HIREDIS_TLS
    sh_redis_tls_free(r->tls_state);
#endif
    free(r->ca_file);
    free(r->key);
    sh_redis_address_wipe(&r->address);
    free(r);
}

void sh_redis_free(sh_redis *r)
{
    if (r == NULL)
        return;
    free_connection(r->sentinels);
    free_connection(r);
}

/* The slot's owner, from `MOVED 3999 127.0.0.1:6381`; an empty host is the one that replied. */
static void note_owner(sh_redis *r, const char *text)
{
    const char *place = strrchr(text, ' ');
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    r->owner.port = 0;
    if (place == NULL || colon == NULL || colon < place ||
        !sh_text_to_u64(sh_slice_of(colon + 1), UINT16_MAX, &port))
        return;
    size_t len = (size_t)(colon - place) - 1;
    if (len >= sizeof r->owner.host || place[1] == '?')
        return; /* the server does not know its own name */
    r->owner = r->server;
    r->owner.port = (uint16_t)port;
    if (len > 0)
        (void)snprintf(r->owner.host, sizeof r->owner.host, "%.*s", (int)len, place + 1);
}

static sh_err fail_refused(sh_redis *r, const char *text, sh_error *error)
{
    const sh_redis_refusal *refusal = sh_redis_refusal_of(text);
    r->leave = r->leave || refusal->leave;
    if (refusal->moved)
        note_owner(r, text);
    const char *message = refusal->message;
    if (message == NULL && refusal->advice != SH_REDIS_ADVICE_NONE)
        message = r->texts->advice[refusal->advice];
    if (message != NULL)
        return sh_fail(error, refusal->code, "%s: %s", message, text);
    return sh_redis_fail_at(r, refusal->code, "it answered", text, error);
}

/* Appends a command to the output buffer. */
static sh_err append(sh_redis *r, size_t argc, const sh_slice argv[], sh_error *error)
{
    const char *texts[SH_REDIS_ARGUMENTS_MAX];
    size_t lens[SH_REDIS_ARGUMENTS_MAX];
    assert(argc <= SH_REDIS_ARGUMENTS_MAX);
    for (size_t i = 0; i < argc; i++) {
        texts[i] = argv[i].len == 0 ? "" : argv[i].data;
        lens[i] = argv[i].len;
    }
    /* Not redisAppendCommandArgv(), which leaks if there is no memory (hiredis 0.14). */
    char *text = NULL;
    long long len = redisFormatCommandArgv(&text, (int)argc, texts, lens);
    int result = len < 0 ? REDIS_ERR : redisAppendFormattedCommand(r->context, text, (size_t)len);
    if (len >= 0)
        redisFreeCommand(text);
    return result == REDIS_OK ? SH_OK : sh_redis_lose(r, "no memory", error);
}

/* Sends the output buffer and returns the next reply. */
static sh_err take_reply(sh_redis *r, redisReply **ret, sh_error *error)
{
    void *got = NULL;
    if (redisGetReply(r->context, &got) != REDIS_OK || got == NULL)
        return sh_redis_lose(r, "no answer", error);
    redisReply *reply = got;
    if (reply->type == REDIS_REPLY_ERROR) {
        sh_err err = fail_refused(r, reply->str, error);
        freeReplyObject(reply);
        return err;
    }
    *ret = reply;
    return SH_OK;
}

sh_err sh_redis_set_timeout(sh_redis *r, int64_t timeout_ms, sh_error *error)
{
    if (timeout_ms == r->timeout_ms)
        return SH_OK;
    if (redisSetTimeout(r->context, (struct timeval){.tv_sec = timeout_ms / 1000,
                                                     .tv_usec = timeout_ms % 1000 * 1000}) !=
        REDIS_OK)
        return sh_redis_lose(r, "set the time-out", error);
    r->timeout_ms = timeout_ms;
    return SH_OK;
}

/* Runs one command on the existing connection. */
sh_err sh_redis_run(sh_redis *r, const sh_redis_request *request, redisReply **ret, sh_error *error)
{
    sh_err err = sh_redis_set_timeout(r, request->reply_timeout_ms, error);
    if (err == SH_OK)
        err = append(r, request->argc, request->argv, error);
    return err == SH_OK ? take_reply(r, ret, error) : err;
}

/* After an exchange: drops the connection if the server is not the right one any more. */
static void leave_if_told(sh_redis *r)
{
    if (r->leave)
        sh_redis_disconnect(r);
}

sh_err sh_redis_connect(sh_redis *redis, sh_error *error)
{
    return sh_redis_be_connected(redis, error);
}

uint64_t sh_redis_connections(const sh_redis *redis)
{
    return redis->made;
}

void sh_redis_leave(sh_redis *redis)
{
    sh_redis_disconnect(redis);
}

sh_err sh_redis_call(sh_redis *redis, size_t argc, const sh_slice argv[], sh_redis_reply **ret,
                     sh_error *error)
{
    const sh_redis_request request = {argc, argv, REPLY_TIMEOUT_MS};
    return sh_redis_call_blocking(redis, &request, ret, error);
}

sh_err sh_redis_call_blocking(sh_redis *redis, const sh_redis_request *request,
                              sh_redis_reply **ret, sh_error *error)
{
    sh_err err = sh_redis_be_connected(redis, error);
    if (err != SH_OK)
        return err;
    redisReply *reply = NULL;
    err = sh_redis_run(redis, request, &reply, error);
    leave_if_told(redis);
    if (err == SH_OK)
        *ret = (sh_redis_reply *)reply;
    return err;
}

void sh_redis_call_each(sh_redis *redis, sh_redis_command commands[], size_t count)
{
    sh_error error = {0};
    sh_err err = sh_redis_be_connected(redis, &error);
    if (err == SH_OK)
        err = sh_redis_set_timeout(redis, REPLY_TIMEOUT_MS, &error);
    for (size_t i = 0; err == SH_OK && i < count; i++)
        err = append(redis, commands[i].argc, commands[i].argv, &error);
    for (size_t i = 0; i < count; i++) {
        sh_redis_command *c = &commands[i];
        c->reply = NULL;
        redisReply *reply = NULL;
        if (err != SH_OK) /* the connection is closed, so no further reply will come */
            c->err = sh_fail(c->error, err, "%s", error.message);
        else if ((c->err = take_reply(redis, &reply, c->error)) == SH_OK)
            c->reply = (sh_redis_reply *)reply;
        else if (redis->context == NULL)
            err = sh_fail(&error, c->err, "%s", c->error->message);
    }
    leave_if_told(redis);
}

void sh_redis_shrink(sh_redis *redis)
{
    /* hiredis keeps the buffer of a large reply until the next one. */
    redisReader *old = redis->context == NULL ? NULL : redis->context->reader;
    if (old == NULL || old->pos != old->len)
        return;
    redisReader *fresh = redisReaderCreate();
    if (fresh == NULL)
        return; /* keep the old one */
    redis->context->reader = fresh;
    redisReaderFree(old);
}

void sh_redis_library(char ret[static SH_LIBRARY_BYTES])
{
    /* hiredis has no function that returns its version at run time. */
    (void)snprintf(ret, SH_LIBRARY_BYTES, "hiredis %d.%d.%d", HIREDIS_MAJOR, HIREDIS_MINOR,
                   HIREDIS_PATCH);
}
