/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_CONNECTIONS_H
#define SH_HTTP_SERVER_CONNECTIONS_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: connections, their limits and their ends. Any thread. */

/* SH_E_IO where too few files may be open, SH_E_MEMORY. */
sh_err sh_http_connections_init(sh_http_server *server, size_t most, sh_error *error);
void sh_http_connections_free(sh_http_server *server); /* NULL inside is fine */

/*
 * Counts a connection that was just accepted. Over a limit it ends another one in its favour, or
 * reserves it for a probe. NULL where it must be closed; *event tells, by a kind of its own, what
 * there is to report.
 */
sh_http_connection *sh_http_connections_add(sh_http_server *server, int fd,
                                            const struct sockaddr_storage *peer, socklen_t len,
                                            sh_http_event *event);
/* Forgets a connection that the accepting thread is about to close. */
void sh_http_connections_remove(sh_http_server *server, sh_http_connection *c);
/* After the accepting thread has ended: closes what it owned. */
void sh_http_connections_close_ours(sh_http_server *server);
/* Shuts down one connection that can be missed; false where there is none. */
bool sh_http_connections_end_one(sh_http_server *server);
/* Shuts down those over their time; how many. */
size_t sh_http_connections_end_overdue(sh_http_server *server);

/* The library's callback for connections; cls is the server. */
void sh_http_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                           enum MHD_ConnectionNotificationCode code);
/* The connection's record, or NULL for one that is unknown and must be closed. */
sh_http_connection *sh_http_channel(struct MHD_Connection *connection);
/* Begins a phase, which has ms from now. */
void sh_http_set_phase(sh_http_connection *c, sh_http_phase phase, int64_t ms);

#endif
