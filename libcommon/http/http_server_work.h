/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_WORK_H
#define SH_HTTP_SERVER_WORK_H

#include "libcommon/http/http_server_state.h"

/*
 * Part of the module http_server: threads beside those that talk to peers, for callbacks that wait
 * for others.
 */

/* SH_E_MEMORY. */
sh_err sh_http_workers_new(sh_http_workers **ret, sh_error *error);
/*
 * Suspends the exchange's connection until a worker has called what its stage says, in turn with
 * others of its class. False where no worker takes it: the program stops, or has no memory.
 */
bool sh_http_workers_give(sh_http_workers *workers, sh_http_exchange *exchange);
/* Refuses what no worker has begun, waits for the rest. Nothing is suspended from here on. */
void sh_http_workers_stop(sh_http_workers *workers);
void sh_http_workers_free(sh_http_workers *workers); /* after the daemons; NULL is fine */

#endif
