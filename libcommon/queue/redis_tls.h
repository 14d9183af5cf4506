/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_TLS_H
#define SH_REDIS_TLS_H

#include "libcommon/base/error.h"
#include "libcommon/queue/redis_refusal.h"

struct redisContext;

/*
 * TLS for redis.c, where hiredis has it (1.0 and later, with its hiredis_ssl). hiredis itself
 * checks the chain of certificates alone, not the name; so the TLS object is made here.
 */
typedef struct sh_redis_tls sh_redis_tls;

/*
 * Trusts the system's authorities and those of ca_file (NULL or "": none). words must outlive it.
 * SH_E_CONFIG for a file that holds none, SH_E_MEMORY.
 */
sh_err sh_redis_tls_new(const char *ca_file, const sh_redis_words *words, sh_redis_tls **ret,
                        sh_error *error);
void sh_redis_tls_free(sh_redis_tls *tls); /* NULL is accepted */

/*
 * Speaks TLS on a new connection to host, a name or an IP address, whose certificate must be made
 * out for it. *why says what failed, borrowed until the next call, and is NULL for hiredis's own
 * words. SH_E_NETWORK, SH_E_MEMORY.
 */
sh_err sh_redis_tls_begin(sh_redis_tls *tls, struct redisContext *context, const char *host,
                          const char **why);

#endif
