/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_SCRIPT_H
#define SH_REDIS_SCRIPT_H

#include "libcommon/queue/redis.h"

/* Lua scripts, which are one atomic step in Redis. */

/* Made from a .lua file by cmake/embed_lua.cmake. */
typedef struct {
    const char *name; /* of the file */
    const char *text;
    const char *sha1; /* of the text, in hex, by which Redis knows it */
} sh_redis_script;

/* Keys and arguments of a run, in the script's order, keys first. */
typedef struct {
    const sh_slice *argv;
    size_t key_count, argc;
} sh_redis_arguments;

/*
 * Those of a struct that holds sh_slices alone, the keys in a struct `keys` at its beginning. Each
 * script has such a struct, whose members are named as the script names them.
 */
#define SH_REDIS_ARGUMENTS(a)                                                                      \
    ((sh_redis_arguments){.argv = (const sh_slice *)&(a),                                          \
                          .key_count = sizeof(a).keys / sizeof(sh_slice),                          \
                          .argc = sizeof(a) / sizeof(sh_slice)})

/*
 * Runs a script by EVALSHA, after SCRIPT LOAD where the server does not know it yet. Errors as of
 * sh_redis_call().
 */
sh_err sh_redis_script_run(sh_redis *redis, const sh_redis_script *script,
                           sh_redis_arguments arguments, sh_redis_reply **ret, sh_error *error);

#define SH_REDIS_SCRIPT_ARGUMENTS 3 /* the first places of argv, which are not the caller's */

/* As sh_redis_call_each(), for runs of one script: keys and arguments stand behind these places. */
void sh_redis_script_run_each(sh_redis *redis, const sh_redis_script *script, size_t key_count,
                              sh_redis_command commands[], size_t count);

#endif
