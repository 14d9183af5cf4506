/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_INTERNAL_H
#define SH_HTTP_SERVER_INTERNAL_H

#include "libcommon/http_server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/*
 * What the two files of the HTTP server share: http_server.c answers requests, http_server_life.c
 * owns sockets, daemons and connections.
 */

/* A connection, from its acceptance to its end. */
typedef struct sh_http_connection {
    int fd;
    _Atomic int64_t until_ms; /* monotonic: what it is at must have ended by then */
    struct sh_http_connection *previous, *next;
} sh_http_connection;

/*
 * One daemon of the library. A server has one, and for a while a second one: with a new certificate
 * a new daemon takes over the listening socket, and the old one ends its exchanges.
 */
typedef struct {
    struct MHD_Daemon *mhd;
    sh_http_server *server;
    char *tls_cert, *tls_key;
    atomic_size_t exchanges;
    int64_t retired_ms; /* monotonic */
} sh_http_daemon;

struct sh_http_server {
    const sh_http_route *routes;
    void *context;
    bool handlers_wait;
    int listener; /* each daemon has a copy of its own */
    uint16_t port;
    sh_http_daemon *current, *retired;
    int64_t headers_max_ms, exchange_max_ms;
    atomic_size_t bodies; /* bytes of bodies that are being received or handled */
    pthread_mutex_t lock; /* of connections */
    sh_http_connection *connections;
};

/* http_server.c: the library's callbacks for a request; cls is a sh_http_daemon. */
enum MHD_Result sh_http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_len, void **state);
void sh_http_on_completed(void *cls, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode code);

/*
 * http_server_life.c: gives what a connection is at now this much time, counted from now. False for
 * a connection that there was no memory to list, which must be closed.
 */
bool sh_http_allow_ms(struct MHD_Connection *connection, int64_t ms);

#endif
