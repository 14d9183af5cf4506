/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_WORK_H
#define SH_HTTP_SERVER_WORK_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: worker threads beside the I/O threads, for blocking callbacks. */

/* How many there are at most: two for each core, as they wait for others half of the time. */
size_t sh_http_workers_for(long cores);

/* SH_E_MEMORY. */
sh_err sh_http_workers_new(sh_http_workers **ret, sh_error *error);
/*
 * Suspends the exchange's connection until a worker has called the callback for its stage. False if
 * no worker will: the program stops, or has no memory.
 */
bool sh_http_workers_give(sh_http_workers *workers, sh_http_exchange *exchange);
/*
 * Refuses exchanges that no worker has started, and waits for the others. No connection is
 * suspended after this.
 */
void sh_http_workers_stop(sh_http_workers *workers);
void sh_http_workers_free(sh_http_workers *workers); /* after the daemons; NULL is accepted */

#endif
