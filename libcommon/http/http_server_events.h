/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_EVENTS_H
#define SH_HTTP_SERVER_EVENTS_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: counters and reports of events about peers. */

/* Counts and reports an event, unless it is SH_HTTP_EVENT_NONE. Thread-safe. */
void sh_http_report(sh_http_server *server, const sh_http_event *event);

#endif
