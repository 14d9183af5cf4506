/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_SCRIPT_H
#define SH_REDIS_SCRIPT_H

#include "libcommon/queue/redis.h"

/* Lua scripts, which Redis runs atomically. */

/* Made from a .lua file by cmake/embed_lua.cmake. */
typedef struct {
    const char *name; /* of the file */
    const char *text;
    const char *sha1; /* of the text, in hex: its key in EVALSHA */
} sh_redis_script;

/* KEYS and ARGV of one run, keys first. */
typedef struct {
    const sh_slice *argv;
    size_t key_count, argc;
} sh_redis_arguments;

/*
 * The arguments in a struct of sh_slices only, whose first member `keys` is a struct of the keys.
 * Each script has such a struct, whose members have the names that the script uses.
 */
#define SH_REDIS_ARGUMENTS(a)                                                                      \
    ((sh_redis_arguments){.argv = (const sh_slice *)&(a),                                          \
                          .key_count = sizeof(a).keys / sizeof(sh_slice),                          \
                          .argc = sizeof(a) / sizeof(sh_slice)})

/*
 * Runs a script with EVALSHA, after SCRIPT LOAD if the server does not know it. Errors as of
 * sh_redis_call().
 */
sh_err sh_redis_script_run(sh_redis *redis, const sh_redis_script *script,
                           sh_redis_arguments arguments, sh_redis_reply **ret, sh_error *error);

#define SH_REDIS_SCRIPT_ARGUMENTS 3 /* leading elements of argv, filled in by this module */

/*
 * As sh_redis_call_each(), for runs of one script. The caller puts keys and arguments after the
 * first SH_REDIS_SCRIPT_ARGUMENTS elements of each argv.
 */
void sh_redis_script_run_each(sh_redis *redis, const sh_redis_script *script, size_t key_count,
                              sh_redis_command commands[], size_t count);

#endif
