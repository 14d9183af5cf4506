/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_TIMEOUTS_H
#define SH_HTTP_SERVER_TIMEOUTS_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: how long a connection may stay in each phase. Thread-safe. */

/* The time limits of the options, or the defaults. Before other threads use the server. */
void sh_http_timeouts_init(sh_http_server *server, const sh_http_server_options *options);

/* Starts a phase, and with it its time. */
void sh_http_set_phase(const sh_http_server *server, sh_http_connection *c, sh_http_phase phase);

/* Milliseconds since the phase should have ended; negative: its time is not over. */
int64_t sh_http_overdue_ms(const sh_http_connection *c, int64_t now_ms);

#endif
