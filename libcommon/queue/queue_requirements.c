/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue_handle.h"
#include "libcommon/queue/queue_scripts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checks that Redis is fit for the queue. Nothing here writes. */

#define REDIS_MAJOR_MIN 7    /* scripts with flags */
#define WAITAOF_SINCE 702    /* 7.2 */
#define VERIFIED_FOR_MS 2000 /* a change of Redis's configuration is noticed after this time */
#define REFUSED_AGAIN_MS 500 /* not every push checks an unfit Redis again */
#define SCAN_COUNT "1000"    /* names that one run of the script scans */

/* The configuration that makes what Redis confirms durable. */
static const struct {
    const char *name, *right;
} durable[] = {
    {"appendonly", "yes"},
    {"appendfsync", "always"},
    {"no-appendfsync-on-rewrite", "no"},
    {"maxmemory-policy", "noeviction"},
};
#define DURABLE_COUNT (sizeof durable / sizeof durable[0])

/* Whether the command failed because the user may not run it or the server does not have it. */
static bool may_not_ask(sh_err err)
{
    return err != SH_OK && !sh_err_is_transient(err);
}

/* --- Durability ------------------------------------------------------------------------------ */

/* Adds a wrong setting, with the right value. */
static void add_wrong(char message[static SH_ERROR_MESSAGE_BYTES], const char *name, sh_slice has,
                      const char *right)
{
    size_t len = strlen(message);
    (void)snprintf(message + len, SH_ERROR_MESSAGE_BYTES - len, "%s`%s %s` (it has %.*s)",
                   len == 0 ? "Redis (SYNC_redis_url) does not keep what it confirms: redis.conf "
                              "must say "
                            : ", ",
                   name, right, (int)has.len, has.data);
}

static void end_words(sh_queue *queue)
{
    size_t len = strlen(queue->keeps_message);
    if (queue->keeps == SH_KEEPS_NOT)
        (void)snprintf(queue->keeps_message + len, sizeof queue->keeps_message - len,
                       "; SYNC_redis_durable=False accepts that answered data may be lost");
}

/* Finds a value in CONFIG GET's reply, names and values alternately. */
static bool config_value(const sh_redis_reply *reply, const char *name, sh_slice *ret)
{
    for (size_t i = 0; i + 1 < sh_redis_count(reply); i += 2) {
        *ret = sh_redis_text(sh_redis_at(reply, i + 1));
        if (sh_slice_equals(sh_redis_text(sh_redis_at(reply, i)), sh_slice_of(name)))
            return true;
    }
    return false;
}

static void judge_config(sh_queue *queue, const sh_redis_reply *reply)
{
    size_t known = 0;
    for (size_t i = 0; i < DURABLE_COUNT; i++) {
        sh_slice value;
        if (!config_value(reply, durable[i].name, &value))
            continue;
        known++;
        if (!sh_slice_equals(value, sh_slice_of(durable[i].right)))
            add_wrong(queue->keeps_message, durable[i].name, value, durable[i].right);
    }
    queue->keeps = queue->keeps_message[0] != '\0' ? SH_KEEPS_NOT
                   : known == DURABLE_COUNT        ? SH_KEEPS_ALL
                                                   : SH_KEEPS_UNKNOWN;
}

sh_slice sh_queue_info_field(sh_slice info, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = info.data, *end = info.data + info.len; at < end;) {
        const char *stop = memchr(at, '\r', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if ((size_t)(stop - at) > len && memcmp(at, name, len) == 0 && at[len] == ':')
            return (sh_slice){at + len + 1, (size_t)(stop - at) - len - 1};
        at = stop + 2;
    }
    return (sh_slice){"", 0};
}

/* INFO does not contain appendfsync, so it can only prove that Redis is not durable. */
static void judge_info(sh_queue *queue, sh_slice info)
{
    sh_slice file = sh_queue_info_field(info, "aof_enabled");
    sh_slice policy = sh_queue_info_field(info, "maxmemory_policy");
    if (sh_slice_equals(file, SH_SLICE("0")))
        add_wrong(queue->keeps_message, "appendonly", SH_SLICE("no"), "yes");
    if (policy.len > 0 && !sh_slice_equals(policy, SH_SLICE("noeviction")))
        add_wrong(queue->keeps_message, "maxmemory-policy", policy, "noeviction");
    queue->keeps = queue->keeps_message[0] != '\0' ? SH_KEEPS_NOT : SH_KEEPS_UNKNOWN;
}

static sh_err learn_from_info(sh_queue *queue, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_error reason = {0};
    sh_err err = sh_redis_call(queue->redis, 1, (sh_slice[]){SH_SLICE("INFO")}, &reply, &reason);
    if (err != SH_OK && !may_not_ask(err))
        return sh_fail(error, err, "%s", reason.message);
    if (err == SH_OK)
        judge_info(queue, sh_redis_text(reply));
    if (queue->keeps == SH_KEEPS_UNKNOWN)
        (void)snprintf(queue->keeps_message, sizeof queue->keeps_message,
                       "cannot check whether Redis keeps what it confirms, because its user "
                       "(SYNC_redis_url) may not run CONFIG GET%s: make sure that redis.conf says "
                       "`appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction`",
                       err == SH_OK ? "" : " or INFO");
    return SH_OK;
}

static sh_err judge_replies(sh_queue *queue, const sh_redis_command *config,
                            const sh_redis_command *role, sh_error *error)
{
    queue->keeps = SH_KEEPS_UNKNOWN;
    queue->keeps_message[0] = '\0';
    sh_err err = SH_OK;
    if (config->err == SH_OK)
        judge_config(queue, config->reply);
    else if (!may_not_ask(config->err))
        err = sh_fail(error, config->err, "%s", config->error->message);
    if (err == SH_OK)
        err = sh_queue_read_role(queue, role, error);
    if (err == SH_OK && queue->keeps == SH_KEEPS_UNKNOWN)
        err = learn_from_info(queue, error);
    end_words(queue);
    return err;
}

static sh_err learn(sh_queue *queue, sh_error *error)
{
    sh_slice get[2 + DURABLE_COUNT] = {SH_SLICE("CONFIG"), SH_SLICE("GET")};
    for (size_t i = 0; i < DURABLE_COUNT; i++)
        get[2 + i] = sh_slice_of(durable[i].name);
    sh_slice role[] = {SH_SLICE("ROLE")};
    sh_error reasons[2] = {{0}};
    sh_redis_command commands[] = {
        {.argc = 2 + DURABLE_COUNT, .argv = get, .error = &reasons[0]},
        {.argc = 1, .argv = role, .error = &reasons[1]},
    };
    sh_redis_call_each(queue->redis, commands, 2);
    sh_err err = judge_replies(queue, &commands[0], &commands[1], error);
    sh_redis_reply_free(commands[0].reply);
    sh_redis_reply_free(commands[1].reply);
    return err;
}

static sh_err verdict(const sh_queue *queue, sh_error *error)
{
    if (queue->must_keep && queue->keeps == SH_KEEPS_NOT)
        return sh_fail(error, SH_E_CONFIG, "%s", queue->keeps_message);
    return sh_queue_check_replicas(queue, error);
}

sh_err sh_queue_verify(sh_queue *queue, sh_error *error)
{
    int64_t age_ms = sh_clock_monotonic_ms() - queue->verified_ms;
    if (queue->verified && age_ms < REFUSED_AGAIN_MS && verdict(queue, NULL) != SH_OK)
        return verdict(queue, error);
    sh_err err = sh_redis_connect(queue->redis, error);
    if (err != SH_OK)
        return err;
    bool same = queue->verified && queue->verified_on == sh_redis_connections(queue->redis);
    if (same && age_ms < VERIFIED_FOR_MS)
        return verdict(queue, error);
    queue->version_known = queue->version_known && same;
    queue->verified = false;
    uint64_t connection = sh_redis_connections(queue->redis);
    err = learn(queue, error);
    if (err != SH_OK)
        return err;
    queue->verified = true;
    queue->verified_on = connection;
    queue->verified_ms = sh_clock_monotonic_ms();
    return verdict(queue, error);
}

sh_queue_keeps sh_queue_keeps_of(const sh_queue *queue, const char **message)
{
    *message = queue->keeps_message;
    return queue->keeps;
}

/* --- What a put needs ------------------------------------------------------------------------ */

static sh_err check_version(sh_queue *queue, sh_error *error)
{
    if (queue->version_known)
        return SH_OK;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("INFO"), SH_SLICE("server")};
    sh_error reason = {0};
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, &reason);
    if (may_not_ask(err))
        return SH_OK; /* unknown: an older server refuses the first script */
    if (err != SH_OK)
        return sh_fail(error, err, "%s", reason.message);
    sh_slice version = sh_queue_info_field(sh_redis_text(reply), "redis_version");
    char *end = NULL;
    long major = version.len == 0 ? 0 : strtol(version.data, &end, 10);
    long minor = end == NULL || *end != '.' ? 0 : strtol(end + 1, NULL, 10);
    queue->version = (int)(major * 100 + minor);
    if (major < REDIS_MAJOR_MIN)
        return sh_fail(error, SH_E_UNSUPPORTED,
                       "Redis is version %ld; Sync Hub needs %d.0 or newer", major,
                       REDIS_MAJOR_MIN);
    queue->version_known = true;
    return SH_OK;
}

/* The reply is [key, its type, the right type], [command], or []. */
static sh_err judge_ready(const sh_redis_reply *reply, sh_error *error)
{
    sh_slice words[3] = {{"", 0}, {"", 0}, {"", 0}};
    size_t count = sh_redis_count(reply);
    for (size_t i = 0; i < count && i < 3; i++)
        words[i] = sh_redis_text(sh_redis_at(reply, i));
    if (count == 0)
        return SH_OK;
    if (count == 1)
        return sh_fail(error, SH_E_CONFIG,
                       "the user of Redis (SYNC_redis_url) may not run %.*s: its ACL must allow "
                       "the commands that docs/settings.md lists",
                       (int)words[0].len, words[0].data);
    return sh_fail(
        error, SH_E_CONFIG,
        "the key %.*s of Redis is a %.*s instead of a %.*s, so it belongs to another program: "
        "use another SYNC_redis_prefix, or delete the key",
        (int)words[0].len, words[0].data, (int)words[1].len, words[1].data, (int)words[2].len,
        words[2].data);
}

static sh_err check_ready(sh_queue *queue, sh_error *error)
{
    const struct {
        const char *key, *type;
    } keys[] = {
        {queue->stream, "stream"},   {queue->ids, "set"},
        {queue->ids_old, "set"},     {queue->bytes, "string"},
        {queue->contacts, "hash"},   {queue->nodes_version, "string"},
        {queue->digests, "hash"},    {queue->shares, "hash"},
        {queue->dead, "stream"},     {queue->dead_bytes, "string"},
        {queue->failures, "hash"},   {queue->nodes, "hash"},
        {queue->nodes_used, "hash"}, {queue->pull_names, "hash"},
        {queue->ids_nodes, "hash"},  {queue->dead_shares, "hash"},
        {queue->key, "string"},      {queue->agents, "hash"},
        {queue->problems, "hash"},   {queue->conflicts, "hash"},
        {queue->instances, "hash"},  {queue->auth_failures, "hash"},
        {queue->settings, "string"}, {queue->settings_version, "string"},
        {queue->programs, "hash"},
    };
    static_assert(sizeof keys / sizeof keys[0] == SH_READY_KEYS, "all of them are checked");
    sh_ready_arguments arguments;
    for (size_t i = 0; i < SH_READY_KEYS; i++) {
        arguments.keys.key[i] = sh_slice_of(keys[i].key);
        arguments.type[i] = sh_slice_of(keys[i].type);
    }
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_ready, SH_REDIS_ARGUMENTS(arguments),
                                     &reply, error);
    return err == SH_OK ? judge_ready(reply, error) : err;
}

sh_err sh_queue_check(sh_queue *queue, sh_error *error)
{
    sh_redis_recheck_master(queue->redis);
    sh_err err = sh_queue_verify(queue, error);
    if (err == SH_OK)
        err = check_version(queue, error);
    queue->server.in_memory =
        queue->version > 0 && (queue->version < WAITAOF_SINCE || !queue->must_keep);
    return err == SH_OK ? check_ready(queue, error) : err;
}

/* --- Names without contact ------------------------------------------------------------------- */

static sh_err are_names_many(sh_queue *queue, bool *ret, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("HLEN"), sh_slice_of(queue->contacts)};
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, error);
    if (err == SH_OK)
        *ret = sh_redis_integer(reply) >= queue->names_max * SH_NAMES_FULL_PERCENT / 100;
    return err;
}

/* Runs the script once. cursor is HSCAN's, "0" at the end. */
static sh_err forget_some(sh_queue *queue, int64_t before_ms, char cursor[static 32], int64_t *gone,
                          sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    char now[SH_REDIS_NUMBER_BYTES], before[SH_REDIS_NUMBER_BYTES];
    const sh_names_forget_arguments arguments = {
        .keys = {.contacts = sh_slice_of(queue->contacts),
                 .digests = sh_slice_of(queue->digests),
                 .nodes = sh_slice_of(queue->nodes),
                 .instances = sh_slice_of(queue->instances),
                 .shares = sh_slice_of(queue->shares)},
        .cursor = sh_slice_of(cursor),
        .names_max = SH_SLICE(SCAN_COUNT),
        .now_ms = sh_redis_number(sh_clock_unix_ms(), now),
        .before_ms = sh_redis_number(before_ms, before),
    };
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_names_forget,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    if (sh_redis_count(reply) != 2 || sh_redis_text(sh_redis_at(reply, 0)).len >= 32)
        return sh_fail(error, SH_E_FORMAT, "Redis replied no cursor");
    sh_slice next = sh_redis_text(sh_redis_at(reply, 0));
    (void)snprintf(cursor, 32, "%.*s", (int)next.len, next.data);
    *gone += sh_redis_integer(sh_redis_at(reply, 1));
    return SH_OK;
}

sh_err sh_queue_names_forget(sh_queue *queue, int64_t before_ms, int64_t *ret, sh_error *error)
{
    bool many = false;
    char cursor[32] = "0";
    *ret = 0;
    sh_err err = are_names_many(queue, &many, error);
    if (err != SH_OK || !many)
        return err;
    do {
        err = forget_some(queue, before_ms, cursor, ret, error);
    } while (err == SH_OK && strcmp(cursor, "0") != 0);
    return err;
}
