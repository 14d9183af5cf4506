/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_REDIS_TLS_H
#define SH_REDIS_TLS_H

#include "libcommon/base/error.h"
#include "libcommon/queue/redis_refusal.h"

struct redisContext;

/*
 * TLS for redis_commands.c, if hiredis supports it (1.0 and later, with hiredis_ssl). hiredis
 * verifies the certificate's chain but not its name, so this module creates the SSL object itself.
 */
typedef struct sh_redis_tls sh_redis_tls;

/*
 * Trusts the system's authorities and those of ca_file (NULL or "": none). texts must outlive the
 * object. SH_E_CONFIG for a file without certificates, SH_E_MEMORY.
 */
sh_err sh_redis_tls_new(const char *ca_file, const sh_redis_texts *texts, sh_redis_tls **ret,
                        sh_error *error);
void sh_redis_tls_free(sh_redis_tls *tls); /* NULL is accepted */

/*
 * Performs the TLS handshake on a new connection. The certificate must be valid for host, a name or
 * an IP address. On failure *why is the reason, borrowed until the next call, or NULL if hiredis's
 * message says as much. SH_E_NETWORK, SH_E_MEMORY.
 */
sh_err sh_redis_tls_begin(sh_redis_tls *tls, struct redisContext *context, const char *host,
                          const char **why);

#endif
