/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_H
#define SH_REDIS_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"
#include "libcommon/queue/redis_refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one module that uses hiredis: one connection, commands and their replies. A connection on
 * which anything timed out or broke is dropped, and the next call makes a new one, resolving the
 * host's name anew. So is one whose server answers that it is not the right one now (READONLY,
 * MASTERDOWN, LOADING, MOVED, CLUSTERDOWN, …): after a failover another one is. Not thread-safe.
 */
typedef struct sh_redis sh_redis;
typedef struct sh_redis_reply sh_redis_reply;

typedef enum {
    SH_REDIS_NIL,
    SH_REDIS_INTEGER,
    SH_REDIS_TEXT, /* status or bulk string */
    SH_REDIS_ARRAY,
    SH_REDIS_ERROR,
} sh_redis_kind;

typedef struct {
    const char *url; /* see redis_address.h */
    const char
        *ca_file; /* to trust over rediss:// besides the system's, in PEM; NULL or "": none */
    const sh_redis_words *words; /* must outlive the object; all else is copied */
} sh_redis_options;

/*
 * Remembers where to connect, and does so at the first call. Over rediss:// the certificate's chain
 * and name are verified. SH_E_CONFIG, SH_E_MEMORY.
 */
sh_err sh_redis_new(const sh_redis_options *options, sh_redis **ret, sh_error *error);
void sh_redis_free(sh_redis *redis); /* NULL is accepted */

/* Whether rediss:// can be had, and the words where it cannot. */
bool sh_redis_has_tls(void);
#define SH_REDIS_WITHOUT_TLS                                                                       \
    "rediss:// (TLS) is not supported by this build: it needs hiredis 1.0 or later with its "      \
    "hiredis_ssl, as in Debian 13"

/* Makes a connection where there is none. The errors of sh_redis_call(). */
sh_err sh_redis_connect(sh_redis *redis, sh_error *error);
/*
 * How many connections were made so far. While the number stays, so does the server: what was
 * learned about it holds, and all replies came from it.
 */
uint64_t sh_redis_connections(const sh_redis *redis);
/* Drops the connection, for the server on it is not the right one. */
void sh_redis_leave(sh_redis *redis);

#define SH_REDIS_ARGUMENTS_MAX 1024 /* of one command */

/* A number as an argument, in decimal digits, which are written to room. */
#define SH_REDIS_NUMBER_BYTES 24
sh_slice sh_redis_number(int64_t number, char room[static SH_REDIS_NUMBER_BYTES]);

/*
 * One command of argc arguments. reply_timeout_ms counts from now (-1: the usual one). SH_OK gives
 * a reply that is no error; an error reply is SH_E_BUSY where the server cannot write now (OOM,
 * LOADING, READONLY, MISCONF, BUSY, …), SH_E_CONFIG where an operator must act (NOAUTH, WRONGPASS,
 * NOPERM, MOVED, CROSSSLOT, WRONGTYPE), SH_E_NOT_FOUND for NOGROUP and NOSCRIPT, else SH_E_FORMAT;
 * its text is in the message. SH_E_NETWORK where the
 * connection broke: whether the command was carried out is then not known.
 */
sh_err sh_redis_call(sh_redis *redis, size_t argc, const sh_slice argv[], int64_t reply_timeout_ms,
                     sh_redis_reply **ret, sh_error *error);

/* One of several commands that are sent together. */
typedef struct {
    size_t argc;
    sh_slice *argv;
    sh_redis_reply *reply; /* where err is SH_OK; to be freed */
    sh_err err;            /* of this command alone, with its words in *error */
    sh_error *error;
} sh_redis_command;

/*
 * Sends all commands at once and then reads all replies, so that they cost one exchange, and one
 * fsync where each is a write. Where the connection breaks, what was not answered has SH_E_NETWORK.
 */
void sh_redis_call_each(sh_redis *redis, sh_redis_command commands[], size_t count);

/* Gives back the memory that the connection took for a large reply; replies stay as they are. */
void sh_redis_shrink(sh_redis *redis);

void sh_redis_reply_free(sh_redis_reply *reply); /* of sh_redis_call(); NULL is accepted */
void sh_redis_reply_free_cleanup(sh_redis_reply **reply);

sh_redis_kind sh_redis_kind_of(const sh_redis_reply *reply);
int64_t sh_redis_integer(const sh_redis_reply *reply); /* 0 unless an integer */
sh_slice sh_redis_text(const sh_redis_reply *reply);   /* empty unless text */
size_t sh_redis_count(const sh_redis_reply *reply);    /* 0 unless an array */
const sh_redis_reply *sh_redis_at(const sh_redis_reply *reply, size_t index); /* NULL: not there */

/* Name and version of the library, for --version. */
sh_library_version sh_redis_library;

#endif
