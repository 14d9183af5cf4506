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
 * The one module that uses hiredis: one connection, commands and their replies. After a time-out or
 * a network error the connection is dropped, and the next call makes a new one, resolving the host
 * name again. The same happens if the server answers that it cannot serve now (READONLY,
 * MASTERDOWN, LOADING, MOVED, CLUSTERDOWN, …), since after a failover another server is the right
 * one: the one that Sentinel names, the owner of the slot in a cluster, or the one that the name
 * leads to now. Not thread-safe.
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
    const char *url;     /* see redis_address.h */
    const char *ca_file; /* PEM file, further authorities for rediss://; NULL or "": none */
    /*
     * A key that holds a string or nothing: in a Redis Cluster, commands go to the server that owns
     * its slot. NULL: to the first server that can be reached.
     */
    const char *key;
    const sh_redis_texts *texts; /* must outlive the object; the other options are copied */
} sh_redis_options;

/*
 * Prepares a connection, which the first call makes. With rediss:// the certificate's chain and
 * name are verified. SH_E_CONFIG, SH_E_MEMORY.
 */
sh_err sh_redis_new(const sh_redis_options *options, sh_redis **ret, sh_error *error);
void sh_redis_free(sh_redis *redis); /* NULL is accepted */

/* Whether this build supports rediss://, and the message if not. */
bool sh_redis_has_tls(void);
#define SH_REDIS_WITHOUT_TLS                                                                       \
    "rediss:// (TLS) is not supported by this build: it needs hiredis 1.0 or later with its "      \
    "hiredis_ssl, as in Debian 13"

/* Connects unless connected. Errors as of sh_redis_call(). */
sh_err sh_redis_connect(sh_redis *redis, sh_error *error);
/*
 * Number of connections made so far. While it does not change, all replies come from the same
 * server, and what the caller learned about that server holds.
 */
uint64_t sh_redis_connections(const sh_redis *redis);
/* Drops the connection, as its server is not the right one. */
void sh_redis_leave(sh_redis *redis);
/*
 * Asks Sentinel, every few seconds at most, whether this connection's server is still the master.
 * If not, all connections of the program that were made by Sentinel are dropped before their next
 * call. Without Sentinel, or if none of them answers, this does nothing. For a thread that nobody
 * waits for, as sentinels may hang.
 */
void sh_redis_recheck_master(sh_redis *redis);
/*
 * `host:port` of the server that is connected or was tried last, or the socket's path, with `of
 * master NAME` if Sentinel named it. "" before the first attempt.
 */
#define SH_REDIS_PLACE_BYTES 400
void sh_redis_print_place(const sh_redis *redis, char ret[static SH_REDIS_PLACE_BYTES]);

#define SH_REDIS_ARGUMENTS_MAX 1024 /* in one command */

/* A number as an argument: writes its decimal digits to room and returns them. */
#define SH_REDIS_NUMBER_BYTES 24
sh_slice sh_redis_number(int64_t number, char room[static SH_REDIS_NUMBER_BYTES]);

/*
 * Runs one command of argc arguments. On SH_OK the caller frees *ret, which is not an error reply.
 * An error reply becomes SH_E_BUSY if the server cannot write now (OOM, LOADING, READONLY, MISCONF,
 * BUSY, …), SH_E_CONFIG if an operator must act (NOAUTH, WRONGPASS, NOPERM, MOVED, CROSSSLOT,
 * WRONGTYPE), SH_E_NOT_FOUND for NOGROUP and NOSCRIPT, otherwise SH_E_FORMAT; the message contains
 * its text. SH_E_NETWORK: the connection broke, and the server may or may not have run the command.
 */
sh_err sh_redis_call(sh_redis *redis, size_t argc, const sh_slice argv[], sh_redis_reply **ret,
                     sh_error *error);

/* A command that waits in the server, and how long its reply may take from now. */
typedef struct {
    size_t argc;
    const sh_slice *argv;
    int64_t reply_timeout_ms;
} sh_redis_request;

/* As sh_redis_call(). */
sh_err sh_redis_call_blocking(sh_redis *redis, const sh_redis_request *request,
                              sh_redis_reply **ret, sh_error *error);

/* One of several commands that are sent together. */
typedef struct {
    size_t argc;
    sh_slice *argv;
    sh_redis_reply *reply; /* if err is SH_OK; the caller frees it */
    sh_err err;            /* of this command, with its message in *error */
    sh_error *error;
} sh_redis_command;

/*
 * Sends all commands in one pipeline and then reads all replies: one round trip, and one fsync for
 * all writes. If the connection breaks, commands without a reply get SH_E_NETWORK.
 */
void sh_redis_call_each(sh_redis *redis, sh_redis_command commands[], size_t count);

/* Frees the buffer that the connection grew for a large reply; replies stay valid. */
void sh_redis_shrink(sh_redis *redis);

void sh_redis_reply_free(sh_redis_reply *reply); /* of sh_redis_call(); NULL is accepted */
void sh_redis_reply_free_cleanup(sh_redis_reply **reply);

/* NULL, as after a failed call and for an element that is not there, is SH_REDIS_NIL. */
sh_redis_kind sh_redis_kind_of(const sh_redis_reply *reply);
int64_t sh_redis_integer(const sh_redis_reply *reply); /* 0 unless an integer */
sh_slice sh_redis_text(const sh_redis_reply *reply);   /* empty unless text */
size_t sh_redis_count(const sh_redis_reply *reply);    /* 0 unless an array */
const sh_redis_reply *sh_redis_at(const sh_redis_reply *reply,
                                  size_t index); /* NULL: no such element */

/* Name and version of the library, for --version. */
sh_library_version sh_redis_library;

#endif
