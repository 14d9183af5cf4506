/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ERROR_H
#define SH_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Functions that can fail return a sh_err and write a message for the operator to a sh_error owned
 * by the caller. The first failure wins: a later sh_fail() on the same sh_error has no effect.
 */
typedef enum {
    SH_OK = 0,
    SH_E_MEMORY,    /* an allocation failed */
    SH_E_IO,        /* a file system or system call failed */
    SH_E_NETWORK,   /* a peer is unreachable, timed out, or closed the connection */
    SH_E_BUSY,      /* a peer or the database cannot do it now (queue full, locked): retry later */
    SH_E_REFUSED,   /* rejected permanently (token, key, name) */
    SH_E_FORMAT,    /* the input violates its format */
    SH_E_LIMIT,     /* the input exceeds a limit in limits.h */
    SH_E_CRYPTO,    /* sealed with another key, or altered */
    SH_E_CONFIG,    /* a setting is missing or invalid */
    SH_E_NOT_FOUND, /* no such file, row or name */
    SH_E_UNSUPPORTED, /* not supported by this build or by the peer's version */
    SH_E_STOPPED,     /* canceled because the program is shutting down */
} sh_err;

#define SH_ERROR_MESSAGE_BYTES 512

typedef struct {
    sh_err code;
    char message[SH_ERROR_MESSAGE_BYTES]; /* a sentence without the final period; UTF-8 */
} sh_error;

/*
 * Stores code and message in *error, unless it is NULL or already holds a failure. Returns code,
 * for `return sh_fail(error, SH_E_FORMAT, "…")`. Never pass secrets or payloads.
 */
sh_err sh_fail(sh_error *error, sh_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ /* sees one file at a time: show it that sh_fail() returns code */
#define sh_fail(error, code, ...) (sh_fail((error), (code), __VA_ARGS__), (code))
#endif

/* Resets *error to SH_OK, for another attempt. */
void sh_error_clear(sh_error *error);

/* Whether the same call can succeed later without operator action. */
bool sh_err_is_transient(sh_err code);

/* The code's name for logs and metrics, for example "network". Never NULL. */
const char *sh_err_name(sh_err code);

#endif
