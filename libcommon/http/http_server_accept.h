/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_ACCEPT_H
#define SH_HTTP_SERVER_ACCEPT_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: the thread that accepts connections for server->current. */

/* SH_E_MEMORY, SH_E_IO. */
sh_err sh_http_accept_start(sh_http_server *server, sh_error *error);
/*
 * Stops accepting; closes the listening socket and all connections that the library does not have
 * yet.
 */
void sh_http_accept_stop(sh_http_server *server);

#endif
