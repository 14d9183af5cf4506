/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/redis.h"

#include "libcommon/base/clock.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/os/host_addresses.h"
#include "libcommon/config/redis_address.h"
#include "libcommon/queue/redis_tls.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 3000
#define REPLY_TIMEOUT_MS 4000 /* a program stops within 10 s even if Redis hangs */
#define CONNECT_TOTAL_MS 5000 /* to all addresses of the host */
#define PLACE_BYTES 300

struct sh_redis {
    sh_redis_address address;
    const sh_redis_words *words;
    redisContext *context;   /* NULL while there is no connection */
    sh_redis_tls *tls_state; /* NULL before the first connection, and without TLS */
    char *ca_file;           /* or NULL */
    int64_t timeout_ms;      /* set on the connection */
    uint64_t made;           /* connections so far */
    bool leave;              /* drop the connection after this exchange */
};

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

sh_err sh_redis_new(const sh_redis_options *options, sh_redis **ret, sh_error *error)
{
    const sh_redis_words *words = options->words;
    sh_redis *r = calloc(1, sizeof *r);
    if (r == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a Redis connection");
    r->words = words;
    sh_err err = sh_redis_address_read(options->url, words->url_setting, &r->address, error);
    if (err == SH_OK && r->address.tls && !sh_redis_has_tls())
        err = sh_fail(error, SH_E_CONFIG, "%s: " SH_REDIS_WITHOUT_TLS, words->url_setting);
    if (err == SH_OK && options->ca_file != NULL && options->ca_file[0] != '\0') {
        r->ca_file = strdup(options->ca_file);
        if (r->ca_file == NULL)
            err = sh_fail(error, SH_E_MEMORY, "no memory for a Redis connection");
    }
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

static void disconnect(sh_redis *r)
{
    if (r->context != NULL)
        redisFree(r->context);
    r->context = NULL;
    r->leave = false;
}

void sh_redis_free(sh_redis *r)
{
    if (r == NULL)
        return;
    disconnect(r);
#ifdef SYNCHUB_HIREDIS_TLS
    sh_redis_tls_free(r->tls_state);
#endif
    free(r->ca_file);
    sh_wipe(&r->address, sizeof r->address);
    free(r);
}

/* Fails with the server's address and the setting that contains it. */
static sh_err fail_at(const sh_redis *r, sh_err code, const char *doing, const char *why,
                      sh_error *error)
{
    char place[PLACE_BYTES];
    sh_redis_address_print(&r->address, place, sizeof place);
    return sh_fail(error, code, "Redis at %s (%s): %s: %s", place, r->words->url_setting, doing,
                   why);
}

static sh_err lose_connection(sh_redis *r, const char *doing, sh_error *error)
{
    const char *why =
        r->context == NULL || r->context->err == 0 ? strerror(ENOMEM) : r->context->errstr;
    if (strcmp(why, strerror(EAGAIN)) == 0) /* how hiredis reports a time-out */
        why = "it hangs: is its machine or its disk overloaded?";
    sh_err err = fail_at(r, SH_E_NETWORK, doing, why, error);
    disconnect(r);
    return err;
}

static sh_err fail_refused(sh_redis *r, const char *text, sh_error *error)
{
    const sh_redis_refusal *refusal = sh_redis_refusal_of(text);
    r->leave = r->leave || refusal->leave;
    const char *words = refusal->words;
    if (words == NULL && refusal->advice != SH_REDIS_ADVICE_NONE)
        words = r->words->advice[refusal->advice];
    return sh_fail(error, refusal->code, "%s: %s", words == NULL ? "Redis answered" : words, text);
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
    return result == REDIS_OK ? SH_OK : lose_connection(r, "no memory", error);
}

/* Sends the output buffer and returns the next reply. */
static sh_err take_reply(sh_redis *r, redisReply **ret, sh_error *error)
{
    void *got = NULL;
    if (redisGetReply(r->context, &got) != REDIS_OK || got == NULL)
        return lose_connection(r, "no answer", error);
    redisReply *reply = got;
    if (reply->type == REDIS_REPLY_ERROR) {
        sh_err err = fail_refused(r, reply->str, error);
        freeReplyObject(reply);
        return err;
    }
    *ret = reply;
    return SH_OK;
}

static sh_err set_timeout(sh_redis *r, int64_t timeout_ms, sh_error *error)
{
    if (timeout_ms == r->timeout_ms)
        return SH_OK;
    if (redisSetTimeout(r->context, timeval_of(timeout_ms)) != REDIS_OK)
        return lose_connection(r, "set the time-out", error);
    r->timeout_ms = timeout_ms;
    return SH_OK;
}

/* Runs one command on the existing connection. */
static sh_err run_command(sh_redis *r, const sh_redis_request *request, redisReply **ret,
                          sh_error *error)
{
    sh_err err = set_timeout(r, request->reply_timeout_ms, error);
    if (err == SH_OK)
        err = append(r, request->argc, request->argv, error);
    return err == SH_OK ? take_reply(r, ret, error) : err;
}

static sh_err command_done(sh_redis *r, size_t argc, const sh_slice argv[], sh_error *error)
{
    redisReply *reply = NULL;
    const sh_redis_request request = {argc, argv, REPLY_TIMEOUT_MS};
    sh_err err = run_command(r, &request, &reply, error);
    if (err == SH_OK)
        freeReplyObject(reply);
    return err;
}

static sh_err log_in(sh_redis *r, sh_error *error)
{
    sh_err err = SH_OK;
    sh_slice user = sh_slice_of(r->address.url.user);
    sh_slice password = sh_slice_of(r->address.url.password);
    if (password.len > 0 && user.len > 0)
        err = command_done(r, 3, (sh_slice[]){SH_SLICE("AUTH"), user, password}, error);
    else if (password.len > 0)
        err = command_done(r, 2, (sh_slice[]){SH_SLICE("AUTH"), password}, error);
    if (err == SH_OK && strcmp(r->address.database, "0") != 0)
        err = command_done(r, 2, (sh_slice[]){SH_SLICE("SELECT"), sh_slice_of(r->address.database)},
                           error);
    return err;
}

#ifdef SYNCHUB_HIREDIS_TLS
static sh_err start_tls(sh_redis *r, sh_error *error)
{
    const char *why = NULL;
    sh_err err =
        r->tls_state == NULL ? sh_redis_tls_new(r->ca_file, r->words, &r->tls_state, error) : SH_OK;
    if (err == SH_OK)
        err = set_timeout(r, CONNECT_TIMEOUT_MS, error);
    if (err != SH_OK)
        return err;
    err = sh_redis_tls_begin(r->tls_state, r->context, r->address.url.host, &why);
    if (err == SH_OK || why == NULL)
        return err == SH_OK ? SH_OK : lose_connection(r, "TLS", error);
    return fail_at(r, err, "TLS", why, error);
}
#else
static sh_err start_tls(sh_redis *r, sh_error *error)
{
    (void)r;
    return sh_fail(error, SH_E_UNSUPPORTED, SH_REDIS_WITHOUT_TLS);
}
#endif

/*
 * A TLS 1.3 server sends session tickets after the handshake, and hiredis reads them with the first
 * reply. Unread, they would look like the end of the connection (has_ended()).
 */
static sh_err read_tickets(sh_redis *r, sh_error *error)
{
    sh_error refused = {0};
    sh_err err = command_done(r, 1, (sh_slice[]){SH_SLICE("PING")}, &refused);
    if (err != SH_E_NETWORK && err != SH_E_MEMORY)
        return SH_OK; /* any reply will do, also an error */
    return sh_fail(error, err, "%s", refused.message);
}

static bool is_connected(const sh_redis *r)
{
    return r->context != NULL && r->context->err == 0;
}

/*
 * Tries the addresses of the host one after the other. The resolver is asked at each connection,
 * since a name may have got another address, and messages contain its answer.
 */
static sh_err connect_host(sh_redis *r, sh_error *error)
{
    sh_host_addresses addresses;
    const char *why = NULL;
    const char *host = r->address.url.host;
    char doing[PLACE_BYTES];
    char found[PLACE_BYTES - 40];
    if (!sh_host_resolve(host, &addresses, &why))
        return fail_at(r, SH_E_NETWORK, "the host was not found by name", why, error);
    int64_t end_ms = sh_clock_monotonic_ms() + CONNECT_TOTAL_MS;
    for (size_t i = 0; i < addresses.count && !is_connected(r); i++) {
        int64_t left_ms = end_ms - sh_clock_monotonic_ms();
        if (i > 0 && left_ms <= 0)
            break;
        disconnect(r);
        r->context = redisConnectWithTimeout(
            addresses.text[i], r->address.url.port,
            timeval_of(left_ms < CONNECT_TIMEOUT_MS ? left_ms : CONNECT_TIMEOUT_MS));
    }
    if (is_connected(r))
        return SH_OK;
    sh_host_addresses_print(&addresses, host, found, sizeof found);
    (void)snprintf(doing, sizeof doing, "could not connect%s", found);
    return lose_connection(r, doing, error);
}

static sh_err connect_socket(sh_redis *r, sh_error *error)
{
    r->context = redisConnectUnixWithTimeout(r->address.url.path, timeval_of(CONNECT_TIMEOUT_MS));
    return is_connected(r) ? SH_OK : lose_connection(r, "could not connect", error);
}

static sh_err connect_now(sh_redis *r, sh_error *error)
{
    sh_err err = r->address.unix_socket ? connect_socket(r, error) : connect_host(r, error);
    if (err != SH_OK)
        return err;
    r->timeout_ms = -1;
    if (!r->address.unix_socket)
        (void)redisEnableKeepAlive(r->context); /* optional: the connection works without */
    if (r->address.tls)
        err = start_tls(r, error);
    if (err == SH_OK)
        err = log_in(r, error);
    if (err == SH_OK && r->address.tls)
        err = read_tickets(r, error);
    if (err != SH_OK)
        disconnect(r);
    else
        r->made++;
    return err;
}

/* Between commands Redis sends nothing, so a readable connection has ended. */
static bool has_ended(const sh_redis *r)
{
    struct pollfd fd = {.fd = r->context->fd, .events = POLLIN | POLLRDHUP};
    return poll(&fd, 1, 0) != 0;
}

/* Connects unless the existing connection is usable. */
static sh_err be_connected(sh_redis *r, sh_error *error)
{
    if (r->context != NULL && has_ended(r))
        disconnect(r); /* Redis closed it since the last command */
    return r->context == NULL ? connect_now(r, error) : SH_OK;
}

/* After an exchange: drops the connection if the server is not the right one any more. */
static void leave_if_told(sh_redis *r)
{
    if (r->leave)
        disconnect(r);
}

sh_err sh_redis_connect(sh_redis *redis, sh_error *error)
{
    return be_connected(redis, error);
}

uint64_t sh_redis_connections(const sh_redis *redis)
{
    return redis->made;
}

void sh_redis_leave(sh_redis *redis)
{
    disconnect(redis);
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
    sh_err err = be_connected(redis, error);
    if (err != SH_OK)
        return err;
    redisReply *reply = NULL;
    err = run_command(redis, request, &reply, error);
    leave_if_told(redis);
    if (err == SH_OK)
        *ret = (sh_redis_reply *)reply;
    return err;
}

void sh_redis_call_each(sh_redis *redis, sh_redis_command commands[], size_t count)
{
    sh_error error = {0};
    sh_err err = be_connected(redis, &error);
    if (err == SH_OK)
        err = set_timeout(redis, REPLY_TIMEOUT_MS, &error);
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
