/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_ERROR_H
#define SH_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What can fail returns a sh_err; the words for the person who must act go to a sh_error that the
 * caller owns. The first failure wins: a later sh_fail() on the same sh_error changes nothing.
 */
typedef enum {
    SH_OK = 0,
    SH_E_MEMORY,      /* an allocation failed */
    SH_E_IO,          /* a file, folder or disk did not do what was asked */
    SH_E_NETWORK,     /* a peer is away, too slow, or broke off */
    SH_E_BUSY,        /* a peer or the database is there and says: later (queue full, locked) */
    SH_E_REFUSED,     /* a peer understood and said no for good (token, key, name) */
    SH_E_FORMAT,      /* the input is not what its format says */
    SH_E_LIMIT,       /* the input is larger than a limit in limits.h allows */
    SH_E_CRYPTO,      /* sealed with another key, or altered on the way */
    SH_E_CONFIG,      /* a setting is missing or wrong */
    SH_E_NOT_FOUND,   /* what was named is not there */
    SH_E_UNSUPPORTED, /* this build, or the other side's version, cannot do it */
    SH_E_STOPPED,     /* given up because the program was asked to stop */
} sh_err;

#define SH_ERROR_MESSAGE_BYTES 512

typedef struct {
    sh_err code;
    char message[SH_ERROR_MESSAGE_BYTES]; /* a whole sentence without the final stop; UTF-8 */
} sh_error;

/*
 * Records code and words in *error unless it holds a failure already (error may be NULL), and
 * returns code, so that `return sh_fail(error, SH_E_FORMAT, "…")` is the usual form.
 * Never pass secrets or payloads.
 */
sh_err sh_fail(sh_error *error, sh_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ /* which sees one file at a time: tell it that the code comes back */
#define sh_fail(error, code, ...) (sh_fail((error), (code), __VA_ARGS__), (code))
#endif

/* Makes *error ready for another attempt. */
void sh_error_clear(sh_error *error);

/* Whether the same call may succeed later without anybody mending anything. */
bool sh_err_is_transient(sh_err code);

/* The code's name for logs and metrics, such as "network". Never NULL. */
const char *sh_err_name(sh_err code);

#endif
