/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_REFUSAL_H
#define SH_REDIS_REFUSAL_H

#include "libcommon/base/error.h"

#include <stdbool.h>

/* What an operator can do about a refusal; the caller knows its settings, Redis's client does not.
 */
typedef enum {
    SH_REDIS_ADVICE_NONE,
    SH_REDIS_ADVICE_LOGIN,      /* the login or the user's rights are refused */
    SH_REDIS_ADVICE_ELSEWHERE,  /* this server of a cluster does not own the keys */
    SH_REDIS_ADVICE_CROSS_SLOT, /* the keys lie in several slots of a cluster */
    SH_REDIS_ADVICE_WRONG_TYPE, /* a key is of another type: another program's */
    SH_REDIS_ADVICES
} sh_redis_advice;

/* What the caller's user calls things, for messages. Static texts. */
typedef struct {
    const char *url_setting; /* where the URL comes from */
    const char *ca_setting;  /* where ca_file comes from */
    const char *advice[SH_REDIS_ADVICES];
} sh_redis_words;

/* What an error reply means, by how it begins. */
typedef struct {
    const char *prefix;
    sh_err code;
    bool leave; /* another server may be the right one now: the connection is to be dropped */
    const char *words; /* before Redis's own; NULL: the usual ones, or the caller's advice */
    sh_redis_advice advice;
} sh_redis_refusal;

/* Never NULL. */
const sh_redis_refusal *sh_redis_refusal_of(const char *text);

#endif
