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

/*
 * Runs a script by EVALSHA, after SCRIPT LOAD where the server does not know it yet. Keys and
 * arguments follow each other in argv; the first key_count are keys. Errors as of sh_redis_call().
 */
sh_err sh_redis_script_run(sh_redis *redis, const sh_redis_script *script, size_t key_count,
                           size_t argc, const sh_slice argv[], sh_redis_reply **ret,
                           sh_error *error);

#define SH_REDIS_SCRIPT_ARGUMENTS 3 /* the first places of argv, which are not the caller's */

/* As sh_redis_call_each(), for runs of one script: keys and arguments stand behind these places. */
void sh_redis_script_run_each(sh_redis *redis, const sh_redis_script *script, size_t key_count,
                              sh_redis_command commands[], size_t count);

#endif
