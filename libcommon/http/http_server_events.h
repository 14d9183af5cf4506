/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_EVENTS_H
#define SH_HTTP_SERVER_EVENTS_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: what is counted and reported of peers. */

/* Counts an event, and reports it unless it is SH_HTTP_EVENT_NONE. Any thread. */
void sh_http_report(sh_http_server *server, const sh_http_event *event);

#endif
