/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_CONNECTIONS_H
#define SH_HTTP_SERVER_CONNECTIONS_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: list, limits and closing of connections. Thread-safe. */

/* SH_E_IO if too few files may be open, SH_E_MEMORY. */
sh_err sh_http_connections_init(sh_http_server *server, size_t most, sh_error *error);
void sh_http_connections_free(sh_http_server *server); /* also after a failed init */

/*
 * Adds a connection that was just accepted. Over a limit, closes another one in its favour, or
 * reserves the new one for a probe. NULL if it must be closed; *event is what to report.
 */
sh_http_connection *sh_http_connections_add(sh_http_server *server, int fd,
                                            const struct sockaddr_storage *peer, socklen_t len,
                                            sh_http_event *event);
/* Removes a connection that the accepting thread is about to close. */
void sh_http_connections_remove(sh_http_server *server, sh_http_connection *c);
/* After the accepting thread has ended: closes the connections that it owned. */
void sh_http_connections_close_ours(sh_http_server *server);
/* How many there are, with those that are closing. */
size_t sh_http_connections_count(sh_http_server *server);
/* Shuts down one expendable connection; false if there is none. */
bool sh_http_connections_end_one(sh_http_server *server);
/*
 * Shuts down connections over their time limit; returns how many. Has the library see the end of
 * streams that it has missed.
 */
size_t sh_http_connections_end_overdue(sh_http_server *server);

/* The library's callback for connections; cls is the server. */
void sh_http_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                           enum MHD_ConnectionNotificationCode code);
/* The connection's record; NULL if it is unknown and must be closed. */
sh_http_connection *sh_http_channel(struct MHD_Connection *connection);

#endif
