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
 * Part of the module http_server: the structs that its parts share. http_server_lifecycle manages
 * the library's daemons, http_server_accept the accepting thread, http_server_connections the
 * limits on connections, http_server_timeouts their time limits, http_server_request routes
 * requests (http_server_ambiguity refuses ambiguous ones, http_server_body receives bodies,
 * http_server_exchange answers), http_server_work has threads for callbacks that block.
 */

#define SH_HTTP_CONTENT_TYPE_BYTES 128
#define SH_HTTP_REPLY_HEADERS_MAX 10
#define SH_HTTP_REPLY_VALUES_BYTES 3072 /* of all of them: one may be a text of a node */

/* The state of a connection, which decides whether another one may replace it. */
typedef enum {
    SH_HTTP_NEW,     /* accepted; nothing has arrived yet, the accepting thread owns it */
    SH_HTTP_LEAVING, /* wrong protocol, answered; the accepting thread owns it */
    SH_HTTP_IDLE,    /* between two requests, or headers are incomplete */
    SH_HTTP_REFUSED, /* request refused; the rest of its body is discarded */
    SH_HTTP_ACTIVE,  /* a body is being received, or an answer sent */
    SH_HTTP_WORKING, /* a worker has it */
} sh_http_phase;

/* All connections of one peer: one IPv4 address, or one /64 of IPv6. */
typedef struct {
    uint8_t bytes[16];
    size_t count;
} sh_http_address;

/* A connection, from accept4() to its end. */
typedef struct sh_http_connection {
    int fd;
    bool started;  /* the library reported it: fd is valid until it reports the end */
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

/* Limits on connections, derived from the limit of open files. */
typedef struct {
    size_t total;       /* of all peers */
    size_t per_address; /* of one peer */
    size_t reserved;    /* in addition, for probes */
} sh_http_limits;

/*
 * A daemon of the library. A server has one, and temporarily a second one: after a certificate was
 * renewed, a new daemon gets all new connections and the old one finishes its exchanges.
 */
typedef struct {
    struct MHD_Daemon *mhd;
    sh_http_server *server;
    char *tls_cert, *tls_key;
    atomic_size_t exchanges;
    atomic_size_t suspended; /* of these, those that a worker has */
    atomic_bool closing;     /* workers take no more of them */
    int64_t retired_ms;      /* monotonic */
} sh_http_daemon;

typedef struct sh_http_workers sh_http_workers;

struct sh_http_server {
    const sh_http_route *routes;
    void *context;
    sh_http_server_names names;
    sh_http_workers *workers;
    void (*on_event)(const sh_http_event *event);
    void (*refuse)(sh_http_exchange *exchange, unsigned status, const char *message);
    int listener, stop_fd;
    int busy_fd; /* an eventfd: the first of several connections has arrived */
    bool has_tls;
    int ready; /* the accepting thread's epoll */
    bool has_acceptor;
    pthread_t acceptor;
    pthread_mutex_t accept_lock; /* protects current, which gets new connections */
    uint16_t port;
    sh_http_daemon *current, *retired;
    int64_t headers_max_ms, exchange_max_ms;
    atomic_size_t bodies; /* budget used by bodies and large answers, in bytes */
    sh_http_limits limits;
    pthread_mutex_t lock; /* of all below */
    sh_http_connection *connections;
    sh_http_connection **by_fd; /* by_fd_count elements */
    size_t by_fd_count;
    size_t connections_count; /* all */
    size_t closing_count;     /* of these, closing ones */
    size_t reserved_count;    /* of these, reserved ones that are not closing */
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
    const char *method, *path; /* owned by the connection until the exchange ends */
    sh_http_stage stage;
    sh_http_waiting waiting; /* while it waits for a worker */
    sh_buf body;
    size_t charged;    /* bytes of the budget used by the body, then by a large answer */
    size_t answer_len; /* bytes of a large answer */
    size_t allowed;
    uint64_t announced;       /* Content-Length, 0 if there is none */
    size_t discarded;         /* bytes of a refused body */
    sh_http_refused *refused; /* callback for the kept bytes, or NULL */
    struct {
        char head[SH_HTTP_REFUSED_HEAD_BYTES];
        char tail[SH_HTTP_REFUSED_TAIL_BYTES];
        size_t head_len, tail_len;
    } * kept;      /* of a refused body, or NULL */
    bool admitted; /* the body, if any, is expected or complete */
    bool over_limit, over_budget, replied;
    bool last; /* the connection ends after the answer */
    unsigned status;
    struct MHD_Response *response;
    struct {
        const char *name;
        size_t value_at; /* in header_values, with a NUL */
    } headers[SH_HTTP_REPLY_HEADERS_MAX];
    size_t headers_count, header_values_len;
    char header_values[SH_HTTP_REPLY_VALUES_BYTES];
    char content_type[SH_HTTP_CONTENT_TYPE_BYTES];
    const char *remedy; /* sh_http_when_too_large(); NULL: none */
    char peer[INET6_ADDRSTRLEN];
};

#endif
