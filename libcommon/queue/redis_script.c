/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/redis_script.h"

#include "libcommon/base/cleanup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool is_unknown(sh_err err, const sh_error *error)
{
    return err == SH_E_NOT_FOUND && strstr(error->message, "NOSCRIPT") != NULL;
}

static sh_err load(sh_redis *redis, const sh_redis_script *script, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("SCRIPT"), SH_SLICE("LOAD"), sh_slice_of(script->text)};
    sh_err err = sh_redis_call(redis, 3, argv, &reply, error);
    if (err != SH_OK || sh_slice_equals(sh_redis_text(reply), sh_slice_of(script->sha1)))
        return err;
    return sh_fail(error, SH_E_FORMAT, "Redis replied another SHA-1 to SCRIPT LOAD");
}

static void begin_command(const sh_redis_script *script, const char *keys, sh_slice argv[])
{
    argv[0] = SH_SLICE("EVALSHA");
    argv[1] = sh_slice_of(script->sha1);
    argv[2] = sh_slice_of(keys);
}

sh_err sh_redis_script_run(sh_redis *redis, const sh_redis_script *script,
                           sh_redis_arguments arguments, sh_redis_reply **ret, sh_error *error)
{
    sh_slice all[SH_REDIS_ARGUMENTS_MAX];
    char keys[16];
    size_t argc = SH_REDIS_SCRIPT_ARGUMENTS + arguments.argc;
    assert(argc <= SH_REDIS_ARGUMENTS_MAX && arguments.key_count <= arguments.argc);
    (void)snprintf(keys, sizeof keys, "%zu", arguments.key_count);
    begin_command(script, keys, all);
    for (size_t i = 0; i < arguments.argc; i++)
        all[SH_REDIS_SCRIPT_ARGUMENTS + i] = arguments.argv[i];
    sh_error reason = {0};
    sh_err err = sh_redis_call(redis, argc, all, ret, &reason);
    if (!is_unknown(err, &reason))
        return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", reason.message);
    err = load(redis, script, error);
    if (err != SH_OK)
        return err;
    return sh_redis_call(redis, argc, all, ret, error);
}

/* Number of commands at the beginning that failed because the server does not know the script. */
static size_t count_unknown(const sh_redis_command commands[], size_t count)
{
    size_t unknown = 0;
    while (unknown < count && is_unknown(commands[unknown].err, commands[unknown].error))
        unknown++;
    return unknown;
}

/* Loads the script and sends the commands again that failed without it; they had no effect. */
static void send_again(sh_redis *redis, const sh_redis_script *script, sh_redis_command commands[],
                       size_t count)
{
    sh_error error = {0};
    sh_err err = load(redis, script, &error);
    for (size_t i = 0; i < count; i++) {
        sh_error_clear(commands[i].error);
        if (err != SH_OK)
            commands[i].err = sh_fail(commands[i].error, err, "%s", error.message);
    }
    if (err == SH_OK)
        sh_redis_call_each(redis, commands, count);
}

void sh_redis_script_run_each(sh_redis *redis, const sh_redis_script *script, size_t key_count,
                              sh_redis_command commands[], size_t count)
{
    char keys[16];
    (void)snprintf(keys, sizeof keys, "%zu", key_count);
    for (size_t i = 0; i < count; i++) {
        assert(commands[i].argc >= SH_REDIS_SCRIPT_ARGUMENTS + key_count);
        begin_command(script, keys, commands[i].argv);
    }
    sh_redis_call_each(redis, commands, count);
    /* A server that was restarted in between knows the script for some of the commands only. */
    for (size_t i = 0; i < count; i++) {
        size_t unknown = count_unknown(commands + i, count - i);
        if (unknown > 0)
            send_again(redis, script, commands + i, unknown);
        i += unknown;
    }
}
