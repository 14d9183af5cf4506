/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/redis.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/url.h"
#include "libcommon/queue/redis_tls.h"

#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 6379
#define CONNECT_TIMEOUT_MS 3000
#define REPLY_TIMEOUT_MS 4000 /* a program with a hung Redis still stops within 10 s */
#define SCRIPTS_MAX 32
#define SHA_HEX_BYTES 41
#define ARGUMENTS_MAX 1024

struct sh_redis {
    sh_url url;
    char database[16];
    bool unix_socket;
    bool tls;
    redisContext *context;   /* NULL while there is no connection */
    sh_redis_tls *tls_state; /* NULL before the first connection, and without TLS */
    char *ca_file;           /* or NULL */
    int64_t timeout_ms;      /* that the connection has now */
    uint64_t made;           /* connections so far */
    bool leave;              /* this server is not the one to talk to any more */
    struct {
        const char *script;
        char sha[SHA_HEX_BYTES];
    } scripts[SCRIPTS_MAX];
    size_t scripts_count;
};

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* redis://host/2: the path names the database. */
static sh_err read_database(sh_redis *r, sh_error *error)
{
    const char *path = r->url.path[0] == '/' ? r->url.path + 1 : r->url.path;
    uint64_t number = 0;
    if (path[0] != '\0' && !sh_text_to_u64(sh_slice_of(path), 1000000, &number))
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_redis_url ends with no database number: redis://host:6379/0 is right");
    (void)snprintf(r->database, sizeof r->database, "%u", (unsigned)number);
    return SH_OK;
}

static sh_err read_url(sh_redis *r, const char *url, sh_error *error)
{
    sh_error reason = {0};
    if (strncmp(url, "unix:", 5) == 0) {
        const char *path = strncmp(url, "unix://", 7) == 0 ? url + 7 : url + 5;
        r->unix_socket = true;
        (void)snprintf(r->url.path, sizeof r->url.path, "%s", path);
        (void)snprintf(r->database, sizeof r->database, "0");
        if (path[0] != '/' || strlen(path) >= sizeof r->url.path)
            return sh_fail(error, SH_E_CONFIG, "SYNC_redis_url: unix:/path/to/socket is right");
        return SH_OK;
    }
    if (sh_url_read(sh_slice_of(url), &r->url, &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "SYNC_redis_url: %s", reason.message);
    r->tls = strcmp(r->url.scheme, "rediss") == 0;
    if (!r->tls && strcmp(r->url.scheme, "redis") != 0)
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_redis_url begins with %s://; redis://, rediss:// or unix: is right",
                       r->url.scheme);
    if (r->tls && !sh_redis_has_tls())
        return sh_fail(error, SH_E_CONFIG, "SYNC_redis_url: " SH_REDIS_WITHOUT_TLS);
    if (r->url.port == 0)
        r->url.port = DEFAULT_PORT;
    return read_database(r, error);
}

sh_err sh_redis_new(const char *url, sh_redis **ret, sh_error *error)
{
    sh_redis *r = calloc(1, sizeof *r);
    if (r == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a Redis connection");
    sh_err err = read_url(r, url, error);
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

sh_err sh_redis_set_ca(sh_redis *redis, const char *ca_file, sh_error *error)
{
    redis->ca_file = strdup(ca_file);
    return redis->ca_file != NULL ? SH_OK
                                  : sh_fail(error, SH_E_MEMORY, "no memory for SYNC_tls_ca");
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
    sh_wipe(&r->url, sizeof r->url);
    free(r);
}

static sh_err broken(sh_redis *r, const char *doing, sh_error *error)
{
    const char *why = r->context == NULL ? "no memory" : r->context->errstr;
    if (strcmp(why, strerror(EAGAIN)) == 0) /* hiredis's word for a time-out */
        why = "it hangs: is its machine or its disk overloaded?";
    sh_err err = r->unix_socket
                     ? sh_fail(error, SH_E_NETWORK, "Redis at %s (SYNC_redis_url): %s: %s",
                               r->url.path, doing, why)
                     : sh_fail(error, SH_E_NETWORK, "Redis at %s:%u (SYNC_redis_url): %s: %s",
                               r->url.host, r->url.port, doing, why);
    disconnect(r);
    return err;
}

/* What an error reply means, by how it begins. */
typedef struct {
    const char *prefix;
    sh_err code;
    /* This server is not, or not now, the one to talk to: another may have taken its place. */
    bool leave;
    const char *words; /* to the operator, before Redis's own; NULL: the usual ones */
} reply_error;

static const reply_error *find_reply_error(const char *text)
{
    static const char login[] = "Redis refuses the login or its rights (SYNC_redis_url)";
    static const char elsewhere[] =
        "this server of a Redis Cluster does not own the keys: SYNC_redis_url must name the "
        "server that owns the slot of SYNC_redis_prefix";
    static const reply_error table[] = {
        {"OOM", SH_E_BUSY, false, "Redis is full (its maxmemory)"},
        {"READONLY", SH_E_BUSY, true, "Redis is a replica and takes no writes"},
        {"UNBLOCKED", SH_E_BUSY, true, "Redis became a replica"},
        {"MASTERDOWN", SH_E_BUSY, true, "Redis is a replica whose master is away"},
        {"LOADING", SH_E_BUSY, true, "Redis is still reading its data"},
        {"CLUSTERDOWN", SH_E_BUSY, true, NULL},
        {"MOVED", SH_E_CONFIG, true, elsewhere},
        {"ASK ", SH_E_CONFIG, true, elsewhere},
        {"MISCONF", SH_E_BUSY, false, "Redis cannot write to its disk"},
        {"NOREPLICAS", SH_E_BUSY, false, NULL},
        {"BUSY ", SH_E_BUSY, false, NULL},
        {"TRYAGAIN", SH_E_BUSY, false, NULL},
        {"ERR max number of clients", SH_E_BUSY, true, NULL},
        {"NOAUTH", SH_E_CONFIG, true, login},
        {"WRONGPASS", SH_E_CONFIG, true, login},
        {"ERR invalid password", SH_E_CONFIG, true, login},
        {"NOPERM", SH_E_CONFIG, false, login},
        {"CROSSSLOT", SH_E_CONFIG, false,
         "the keys lie in several slots of a Redis Cluster: SYNC_redis_prefix must be in braces, "
         "as in {synchub}"},
        {"WRONGTYPE", SH_E_CONFIG, false,
         "a key under SYNC_redis_prefix belongs to another program: use another prefix, or delete "
         "the key"},
        {"NOGROUP", SH_E_NOT_FOUND, false, NULL},
        {"NOSCRIPT", SH_E_NOT_FOUND, false, NULL},
    };
    static const reply_error other = {"", SH_E_FORMAT, false, NULL};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strncmp(text, table[i].prefix, strlen(table[i].prefix)) == 0)
            return &table[i];
    return &other;
}

static sh_err refusal(sh_redis *r, const char *text, sh_error *error)
{
    const reply_error *found = find_reply_error(text);
    r->leave = r->leave || found->leave;
    return sh_fail(error, found->code, "%s: %s",
                   found->words == NULL ? "Redis answered" : found->words, text);
}

/* Puts a command into what is sent next. */
static sh_err append(sh_redis *r, size_t argc, const sh_slice argv[], sh_error *error)
{
    const char *texts[ARGUMENTS_MAX];
    size_t lens[ARGUMENTS_MAX];
    assert(argc <= ARGUMENTS_MAX);
    for (size_t i = 0; i < argc; i++) {
        texts[i] = argv[i].len == 0 ? "" : argv[i].data;
        lens[i] = argv[i].len;
    }
    if (redisAppendCommandArgv(r->context, (int)argc, texts, lens) != REDIS_OK)
        return broken(r, "no memory", error);
    return SH_OK;
}

/* Sends what was appended, and gives the next reply. */
static sh_err take_reply(sh_redis *r, redisReply **ret, sh_error *error)
{
    void *got = NULL;
    if (redisGetReply(r->context, &got) != REDIS_OK || got == NULL)
        return broken(r, "no answer", error);
    redisReply *reply = got;
    if (reply->type == REDIS_REPLY_ERROR) {
        sh_err err = refusal(r, reply->str, error);
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
        return broken(r, "set the time-out", error);
    r->timeout_ms = timeout_ms;
    return SH_OK;
}

/* One command over the connection that is there. */
static sh_err command(sh_redis *r, size_t argc, const sh_slice argv[], int64_t timeout_ms,
                      redisReply **ret, sh_error *error)
{
    sh_err err = set_timeout(r, timeout_ms, error);
    if (err == SH_OK)
        err = append(r, argc, argv, error);
    return err == SH_OK ? take_reply(r, ret, error) : err;
}

static sh_err command_done(sh_redis *r, size_t argc, const sh_slice argv[], sh_error *error)
{
    redisReply *reply = NULL;
    sh_err err = command(r, argc, argv, REPLY_TIMEOUT_MS, &reply, error);
    if (err == SH_OK)
        freeReplyObject(reply);
    return err;
}

static sh_err log_in(sh_redis *r, sh_error *error)
{
    sh_err err = SH_OK;
    sh_slice user = sh_slice_of(r->url.user);
    sh_slice password = sh_slice_of(r->url.password);
    if (password.len > 0 && user.len > 0)
        err = command_done(r, 3, (sh_slice[]){SH_SLICE("AUTH"), user, password}, error);
    else if (password.len > 0)
        err = command_done(r, 2, (sh_slice[]){SH_SLICE("AUTH"), password}, error);
    if (err == SH_OK && strcmp(r->database, "0") != 0)
        err = command_done(r, 2, (sh_slice[]){SH_SLICE("SELECT"), sh_slice_of(r->database)}, error);
    return err;
}

#ifdef SYNCHUB_HIREDIS_TLS
static sh_err start_tls(sh_redis *r, sh_error *error)
{
    const char *why = NULL;
    sh_err err = r->tls_state == NULL ? sh_redis_tls_new(r->ca_file, &r->tls_state, error) : SH_OK;
    if (err == SH_OK)
        err = set_timeout(r, CONNECT_TIMEOUT_MS, error);
    if (err != SH_OK)
        return err;
    err = sh_redis_tls_begin(r->tls_state, r->context, r->url.host, &why);
    if (err == SH_OK || why == NULL)
        return err == SH_OK ? SH_OK : broken(r, "TLS", error);
    return sh_fail(error, err, "Redis at %s:%u (SYNC_redis_url): TLS: %s", r->url.host, r->url.port,
                   why);
}
#else
static sh_err start_tls(sh_redis *r, sh_error *error)
{
    (void)r;
    return sh_fail(error, SH_E_UNSUPPORTED, SH_REDIS_WITHOUT_TLS);
}
#endif

/*
 * A server sends its session tickets after the handshake, and hiredis reads them with the first
 * reply. Until then they would look like the end of the connection (has_ended()).
 */
static sh_err read_tickets(sh_redis *r, sh_error *error)
{
    sh_error refused = {0};
    sh_err err = command_done(r, 1, (sh_slice[]){SH_SLICE("PING")}, &refused);
    if (err != SH_E_NETWORK && err != SH_E_MEMORY)
        return SH_OK; /* any reply will do, also that the user may not ask */
    return sh_fail(error, err, "%s", refused.message);
}

static sh_err connect_now(sh_redis *r, sh_error *error)
{
    struct timeval timeout = timeval_of(CONNECT_TIMEOUT_MS);
    r->context = r->unix_socket ? redisConnectUnixWithTimeout(r->url.path, timeout)
                                : redisConnectWithTimeout(r->url.host, r->url.port, timeout);
    if (r->context == NULL || r->context->err != 0)
        return broken(r, "could not connect", error);
    r->timeout_ms = -1;
    if (!r->unix_socket)
        (void)redisEnableKeepAlive(r->context); /* a help, no need */
    sh_err err = r->tls ? start_tls(r, error) : SH_OK;
    if (err == SH_OK)
        err = log_in(r, error);
    if (err == SH_OK && r->tls)
        err = read_tickets(r, error);
    if (err != SH_OK)
        disconnect(r);
    else
        r->made++;
    return err;
}

/* Between commands nothing may come: a connection on which something can be read has ended. */
static bool has_ended(const sh_redis *r)
{
    struct pollfd fd = {.fd = r->context->fd, .events = POLLIN | POLLRDHUP};
    return poll(&fd, 1, 0) != 0;
}

/* A connection to send commands over: the one that is there, or a new one. */
static sh_err be_connected(sh_redis *r, sh_error *error)
{
    if (r->context != NULL && has_ended(r))
        disconnect(r); /* Redis was restarted since the last command */
    return r->context == NULL ? connect_now(r, error) : SH_OK;
}

/* After an exchange: a server that is not the right one any more is looked for anew. */
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

sh_err sh_redis_call(sh_redis *redis, size_t argc, const sh_slice argv[], int64_t reply_timeout_ms,
                     sh_redis_reply **ret, sh_error *error)
{
    sh_err err = be_connected(redis, error);
    if (err != SH_OK)
        return err;
    redisReply *reply = NULL;
    err = command(redis, argc, argv, reply_timeout_ms < 0 ? REPLY_TIMEOUT_MS : reply_timeout_ms,
                  &reply, error);
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
        if (err != SH_OK) /* the connection is gone, and with it all replies that were to come */
            c->err = sh_fail(c->error, err, "%s", error.message);
        else if ((c->err = take_reply(redis, &reply, c->error)) == SH_OK)
            c->reply = (sh_redis_reply *)reply;
        else if (redis->context == NULL)
            err = sh_fail(&error, c->err, "%s", c->error->message);
    }
    leave_if_told(redis);
}

/* The script's SHA-1 as the server says it, asked once for each script of this connection object.
 */
static sh_err sha_of(sh_redis *r, const char *script, bool again, const char **ret, sh_error *error)
{
    size_t at = 0;
    while (at < r->scripts_count && r->scripts[at].script != script)
        at++;
    if (at < r->scripts_count && !again) {
        *ret = r->scripts[at].sha;
        return SH_OK;
    }
    assert(at < SCRIPTS_MAX);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("SCRIPT"), SH_SLICE("LOAD"), sh_slice_of(script)};
    sh_err err = sh_redis_call(r, 3, argv, -1, &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice sha = sh_redis_text(reply);
    if (sha.len != SHA_HEX_BYTES - 1)
        return sh_fail(error, SH_E_FORMAT, "Redis answered no SHA-1 to SCRIPT LOAD");
    memcpy(r->scripts[at].sha, sha.data, sha.len);
    r->scripts[at].sha[sha.len] = '\0';
    r->scripts[at].script = script;
    if (at == r->scripts_count)
        r->scripts_count++;
    *ret = r->scripts[at].sha;
    return SH_OK;
}

static bool is_unknown(sh_err err, const sh_error *error)
{
    return err == SH_E_NOT_FOUND && strstr(error->message, "NOSCRIPT") != NULL;
}

sh_err sh_redis_script(sh_redis *redis, const char *script, size_t key_count, size_t argc,
                       const sh_slice argv[], sh_redis_reply **ret, sh_error *error)
{
    sh_slice all[ARGUMENTS_MAX];
    char keys[16];
    assert(argc + 3 <= ARGUMENTS_MAX && key_count <= argc);
    (void)snprintf(keys, sizeof keys, "%zu", key_count);
    for (bool again = false;; again = true) {
        const char *sha = NULL;
        sh_err err = sha_of(redis, script, again, &sha, error);
        if (err != SH_OK)
            return err;
        all[0] = SH_SLICE("EVALSHA");
        all[1] = sh_slice_of(sha);
        all[2] = sh_slice_of(keys);
        for (size_t i = 0; i < argc; i++)
            all[3 + i] = argv[i];
        sh_error reason = {0};
        err = sh_redis_call(redis, 3 + argc, all, -1, ret, &reason);
        if (err == SH_OK)
            return SH_OK;
        if (!is_unknown(err, &reason) || again)
            return sh_fail(error, err, "%s", reason.message);
    }
}

void sh_redis_script_each(sh_redis *redis, const char *script, size_t key_count,
                          sh_redis_command commands[], size_t count)
{
    char keys[16];
    const char *sha = NULL;
    sh_error error = {0};
    (void)snprintf(keys, sizeof keys, "%zu", key_count);
    sh_err err = sha_of(redis, script, false, &sha, &error);
    for (size_t i = 0; i < count; i++) {
        sh_redis_command *c = &commands[i];
        assert(c->argc >= SH_REDIS_SCRIPT_ARGUMENTS + key_count);
        c->reply = NULL;
        c->err = err == SH_OK ? SH_OK : sh_fail(c->error, err, "%s", error.message);
        c->argv[0] = SH_SLICE("EVALSHA");
        c->argv[1] = sh_slice_of(sha == NULL ? "" : sha);
        c->argv[2] = sh_slice_of(keys);
    }
    if (err != SH_OK)
        return;
    sh_redis_call_each(redis, commands, count);
    /* A server that was restarted has forgotten the script, and has done nothing. */
    for (size_t i = 0; i < count; i++) {
        sh_redis_command *c = &commands[i];
        if (!is_unknown(c->err, c->error))
            continue;
        sh_error_clear(c->error);
        c->err = sh_redis_script(redis, script, key_count, c->argc - SH_REDIS_SCRIPT_ARGUMENTS,
                                 c->argv + SH_REDIS_SCRIPT_ARGUMENTS, &c->reply, c->error);
    }
}

void sh_redis_shrink(sh_redis *redis)
{
    /* hiredis keeps the room that a reply needed until the next one comes. */
    redisReader *old = redis->context == NULL ? NULL : redis->context->reader;
    if (old == NULL || old->pos != old->len)
        return;
    redisReader *fresh = redisReaderCreate();
    if (fresh == NULL)
        return; /* the old one serves on */
    redis->context->reader = fresh;
    redisReaderFree(old);
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
    assert(reply != NULL);
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

void sh_redis_library(char ret[static SH_LIBRARY_BYTES])
{
    /* hiredis cannot tell its version at run time. */
    (void)snprintf(ret, SH_LIBRARY_BYTES, "hiredis %d.%d.%d", HIREDIS_MAJOR, HIREDIS_MINOR,
                   HIREDIS_PATCH);
}
