/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_REFUSAL_H
#define SH_REDIS_REFUSAL_H

#include "libcommon/base/error.h"

#include <stdbool.h>

/*
 * Classes of refusals for which the message advises the operator. The texts come from the caller,
 * who knows the names of its settings.
 */
typedef enum {
    SH_REDIS_ADVICE_NONE,
    SH_REDIS_ADVICE_LOGIN,          /* wrong credentials, or the user lacks a right */
    SH_REDIS_ADVICE_SENTINEL_LOGIN, /* the same at a sentinel */
    SH_REDIS_ADVICE_CROSS_SLOT,     /* the keys lie in several slots of a cluster */
    SH_REDIS_ADVICE_WRONG_TYPE,     /* a key has another type, so another program uses it */
    SH_REDIS_ADVICES
} sh_redis_advice;

/* The caller's names of settings and advice, for messages. Static texts. */
typedef struct {
    const char *url_setting; /* the setting with the URL */
    const char *ca_setting;  /* the setting with ca_file */
    const char *advice[SH_REDIS_ADVICES];
} sh_redis_texts;

/* What an error reply means, by its prefix. */
typedef struct {
    const char *prefix;
    sh_err code;
    bool moved;          /* the text names the server to go to */
    bool leave;          /* drop the connection, as another server may be the right one now */
    const char *message; /* put before Redis's text; NULL: the caller's advice, or a default */
    sh_redis_advice advice;
} sh_redis_refusal;

/* The row for an error reply, the last one for an unknown error; never NULL. */
const sh_redis_refusal *sh_redis_refusal_of(const char *text);

#endif
