/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_STATE_H
#define SH_HTTP_SERVER_STATE_H

#include "libcommon/base/buffer.h"
#include "libcommon/http/http_batches.h"
#include "libcommon/http/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/*
 * Part of the module http_server: what its parts share. http_server_life has the daemons of the
 * library, http_server_accept the thread that accepts, http_server_connections counts connections
 * and ends those over a limit, http_server_request leads a request to its route (http_server_check
 * refuses ambiguous ones, http_server_body receives bodies, http_server_exchange answers),
 * http_server_work has threads for callbacks that wait.
 */

#define SH_HTTP_CONTENT_TYPE_BYTES 128
#define SH_HTTP_REPLY_HEADERS_MAX 4

/* What a connection is doing; it decides whether another one may take its place. */
typedef enum {
    SH_HTTP_NEW,     /* accepted; nothing has arrived yet, the accepting thread owns it */
    SH_HTTP_LEAVING, /* spoke the wrong protocol and was told so; the accepting thread owns it */
    SH_HTTP_IDLE,    /* between two requests, or headers that are incomplete */
    SH_HTTP_REFUSED, /* its request was refused; the rest of the body is discarded */
    SH_HTTP_ACTIVE,  /* a body is received, or an answer sent */
    SH_HTTP_WORKING, /* a worker has it */
} sh_http_phase;

/* All connections of one peer: one IPv4 address, or one /64 of IPv6. */
typedef struct {
    uint8_t bytes[16];
    size_t count;
} sh_http_address;

/* A connection, from its acceptance to its end. */
typedef struct sh_http_connection {
    int fd;
    bool started;  /* the library has reported it, so that fd is valid until it reports its end */
    bool closing;  /* shut down; its owner is about to close it */
    bool reserved; /* accepted over a limit: only probes are answered */
    sh_http_address *address;
    _Atomic int phase;        /* sh_http_phase */
    _Atomic int64_t since_ms; /* monotonic: when the phase began */
    _Atomic int64_t until_ms; /* monotonic: the phase must have ended by then */
    struct sockaddr_storage peer;
    socklen_t peer_len;
    struct sh_http_connection *previous, *next;
} sh_http_connection;

/* Limits on connections, from the limit of open files. */
typedef struct {
    size_t total;       /* of all peers */
    size_t per_address; /* of one peer */
    size_t reserved;    /* over these, for probes */
} sh_http_limits;

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
    sh_http_server_names names;
    sh_http_workers *workers;
    void (*on_event)(const sh_http_event *event);
    int listener, stop_fd;
    bool has_tls;
    int ready; /* the accepting thread's epoll */
    bool has_acceptor;
    pthread_t acceptor;
    pthread_mutex_t accept_lock; /* of current: who holds it gets the next connection */
    uint16_t port;
    sh_http_daemon *current, *retired;
    int64_t headers_max_ms, exchange_max_ms;
    atomic_size_t bodies; /* bytes of bodies that are being received or handled */
    sh_http_limits limits;
    pthread_mutex_t lock; /* of all below */
    sh_http_connection *connections;
    sh_http_connection **by_fd; /* by_fd_count of them */
    size_t by_fd_count;
    size_t connections_count; /* all */
    size_t closing_count;     /* of them, those that are closing */
    size_t reserved_count;    /* of them, those that are reserved and not closing */
};

typedef enum {
    SH_HTTP_IN_IO,     /* an I/O thread has the exchange */
    SH_HTTP_IN_ADMIT,  /* a worker has it, to call admit() */
    SH_HTTP_IN_HANDLE, /* a worker has it, to call handle() or handle_each() */
} sh_http_stage;

struct sh_http_exchange {
    sh_http_daemon *daemon;
    sh_http_server *server;
    struct MHD_Connection *connection;
    sh_http_connection *channel;
    const sh_http_route *route;
    sh_http_stage stage;
    sh_http_waiting waiting; /* once a worker is to have it */
    sh_buf body;
    size_t charged; /* bytes of the server's budget that this body holds, and then a large answer */
    size_t answer_len; /* bytes of the answer, where it is large */
    size_t allowed;
    uint64_t announced;       /* bytes of the body by its Content-Length, 0 where there is none */
    size_t discarded;         /* bytes of a body that was refused already */
    sh_http_refused *refused; /* who wants to see of it what is kept, or NULL */
    struct {
        char head[SH_HTTP_REFUSED_HEAD_BYTES];
        char tail[SH_HTTP_REFUSED_TAIL_BYTES];
        size_t head_len, tail_len;
    } * kept;      /* of it, or NULL */
    bool admitted; /* the body, if any, is to come or has come */
    bool over_limit, over_budget, replied;
    bool last; /* the connection ends after the answer */
    unsigned status;
    struct MHD_Response *response;
    struct {
        const char *name;
        char value[160];
    } headers[SH_HTTP_REPLY_HEADERS_MAX];
    size_t headers_count;
    char content_type[SH_HTTP_CONTENT_TYPE_BYTES];
    const char *remedy; /* sh_http_when_too_large(); NULL: none */
    char peer[INET6_ADDRSTRLEN];
};

#endif
