/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_INTERNAL_H
#define SH_HTTP_SERVER_INTERNAL_H

#include "libcommon/buffer.h"
#include "libcommon/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/*
 * What the files of the HTTP server share: http_server.c answers requests, http_server_work.c has
 * threads for callbacks that wait, http_server_accept.c one that accepts, http_server_life.c owns
 * daemons and connections.
 */

#define SH_HTTP_CONTENT_TYPE_BYTES 128
#define SH_HTTP_REPLY_HEADERS_MAX 4

/* A connection, from its acceptance to its end. */
typedef struct sh_http_connection {
    int fd;
    _Atomic int64_t until_ms; /* monotonic: what it is at must have ended by then */
    struct sh_http_connection *previous, *next;
} sh_http_connection;

/*
 * One daemon of the library. A server has one, and for a while a second one: with a new certificate
 * a new daemon gets all new connections, and the old one ends its exchanges.
 */
typedef struct {
    struct MHD_Daemon *mhd;
    sh_http_server *server;
    char *tls_cert, *tls_key;
    atomic_size_t exchanges;
    atomic_size_t suspended; /* of them, those that a worker has */
    atomic_bool closing;     /* no worker takes more of them */
    int64_t retired_ms;      /* monotonic */
} sh_http_daemon;

typedef struct sh_http_workers sh_http_workers;

struct sh_http_server {
    const sh_http_route *routes;
    void *context;
    sh_http_workers *workers;
    int listener, stop_fd;
    pthread_t accepter;
    pthread_mutex_t accept_lock; /* of current: who holds it gets the next connection */
    uint16_t port;
    sh_http_daemon *current, *retired;
    int64_t headers_max_ms, exchange_max_ms;
    atomic_size_t bodies; /* bytes of bodies that are being received or handled */
    pthread_mutex_t lock; /* of connections */
    sh_http_connection *connections;
    size_t connections_count, connections_max;
};

typedef enum {
    SH_HTTP_IN_IO,       /* an I/O thread has the exchange */
    SH_HTTP_IN_ADMIT,    /* a worker has it, to call admit() */
    SH_HTTP_IN_HANDLE,   /* a worker has it, to call handle() or handle_each() */
    SH_HTTP_IN_HANDLE_1, /* the same, but with no other exchange beside it */
} sh_http_stage;

struct sh_http_exchange {
    sh_http_daemon *daemon;
    sh_http_server *server;
    struct MHD_Connection *connection;
    const sh_http_route *route;
    sh_http_stage stage;
    sh_http_exchange *next; /* in the workers' list */
    sh_buf body;
    size_t charged; /* bytes of the server's budget that this body holds, and then a large answer */
    size_t answer_len; /* bytes of the answer, where it is large */
    size_t allowed;
    uint64_t announced; /* bytes of the body by its Content-Length, 0 where there is none */
    size_t discarded;   /* bytes of a body that was refused already */
    bool over_limit, over_budget, replied;
    unsigned status;
    struct MHD_Response *response;
    struct {
        const char *name;
        char value[160];
    } headers[SH_HTTP_REPLY_HEADERS_MAX];
    size_t headers_count;
    char content_type[SH_HTTP_CONTENT_TYPE_BYTES];
    char peer[INET6_ADDRSTRLEN];
};

/* http_server_accept.c: a thread that accepts for server->current. SH_E_MEMORY, SH_E_IO. */
sh_err sh_http_accept_start(sh_http_server *server, sh_error *error);
/* Nothing more is accepted; the listening socket is closed. */
void sh_http_accept_stop(sh_http_server *server);

/* http_server_work.c. SH_E_MEMORY. */
sh_err sh_http_workers_new(sh_http_workers **ret, sh_error *error);
/*
 * Suspends the exchange's connection until a worker has called what its stage says. False where no
 * worker takes it: the program stops, or has no memory.
 */
bool sh_http_workers_give(sh_http_workers *workers, sh_http_exchange *exchange);
/* Refuses what no worker has begun, waits for the rest. Nothing is suspended from here on. */
void sh_http_workers_stop(sh_http_workers *workers);
void sh_http_workers_free(sh_http_workers *workers); /* after the daemons; NULL is fine */

/* http_server.c: answers what no worker takes. */
void sh_http_reply_stopping(sh_http_exchange *exchange);
/* http_server.c: in a worker, ends handling: the exchange is answered, its body goes. */
void sh_http_handled(sh_http_exchange *exchange);

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
