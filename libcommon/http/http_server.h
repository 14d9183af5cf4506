/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_H
#define SH_HTTP_SERVER_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"
#include "libcommon/http/http_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one module that uses libmicrohttpd: routes, bounded bodies, answers. */
typedef struct sh_http_server sh_http_server;
typedef struct sh_http_exchange sh_http_exchange; /* one request being answered */

#define SH_HTTP_TOGETHER_MAX 64 /* exchanges of one handle_each() */
#define SH_HTTP_WORKERS_MAX 4   /* threads of a server that run callbacks which wait */
#define SH_HTTP_WAIT SIZE_MAX   /* what admit() returns to be called once more, where it may wait */

/*
 * Who calls the callbacks of a route, once the body is in: the thread that talks to peers, or one
 * of a few workers, so that no peer waits for what another one asked. What workers are to handle
 * waits in a FIFO for each class; the classes have their turns.
 */
typedef enum {
    SH_HTTP_IMMEDIATE, /* the I/O thread: handling waits for nothing */
    SH_HTTP_NORMAL,    /* all workers at the same time */
    SH_HTTP_QUERY,     /* one worker: what comes while it waits for others is handled together */
    SH_HTTP_EXCLUSIVE, /* one worker, one exchange at a time: it takes much memory */
    SH_HTTP_CLASSES
} sh_http_class;

typedef struct {
    const char *method; /* "GET" or "POST"; a GET route answers HEAD too */
    const char *path;   /* exactly */
    /*
     * Called when the headers are in and no byte of a body was read. It either answers by
     * sh_http_reply(), and the body is never read, or returns how many bytes of body it allows
     * (over it the server answers 413). Where it must wait for others and !sh_http_may_wait(), it
     * returns SH_HTTP_WAIT and is called again by a worker. NULL allows none.
     */
    size_t (*admit)(void *context, sh_http_exchange *exchange);
    /* Called with the whole body, unless admit() answered. It must answer. */
    void (*handle)(void *context, sh_http_exchange *exchange);
    /*
     * Instead of handle(), for several of one class that came together (an exclusive one comes
     * alone): what they all wait for then costs one wait. It must answer each.
     */
    void (*handle_each)(void *context, sh_http_exchange *const exchanges[], size_t count);
    sh_http_class class;
    /* Instead of class: by the exchange, whose body is in. From an I/O thread, so it must be quick.
     */
    sh_http_class (*classify)(void *context, const sh_http_exchange *exchange);
    /* Answered over the limits on connections, too: /livez and its like. */
    bool probe;
    void *context; /* given to its callbacks instead of the server's; NULL: the server's */
} sh_http_route;

/* A certificate chain and its key in PEM; NULL for plain HTTP. Copied. */
typedef struct {
    const char *cert, *key;
} sh_http_tls;

/* What the server saw of peers, for the log. */
typedef enum {
    SH_HTTP_EVENT_NONE,
    SH_HTTP_EVENT_ADDRESS_LIMIT, /* one address has as many connections as it may */
    SH_HTTP_EVENT_TOTAL_LIMIT,   /* all together have */
    SH_HTTP_EVENT_NO_FILES,      /* the system gives no more descriptors */
    SH_HTTP_EVENT_TLS_TO_PLAIN,  /* a TLS handshake at a port without TLS */
    SH_HTTP_EVENT_PLAIN_TO_TLS,  /* plain HTTP at a port with TLS */
    SH_HTTP_EVENT_AMBIGUOUS,     /* a request that parsers read differently */
} sh_http_event_kind;

typedef struct {
    sh_http_event_kind kind;
    const char *peer;    /* an address as text */
    const char *message; /* a sentence for the log, without the peer */
} sh_http_event;

typedef struct {
    sh_http_server_names names; /* for messages */
    const char *host;           /* an address; `::` takes IPv4 too */
    uint16_t port;              /* 0: any free one */
    sh_http_tls tls;            /* TLS 1.2 and 1.3 */
    const sh_http_route
        *routes;   /* ends with a route whose method is NULL; must outlive the server */
    void *context; /* given to every callback */
    /* For a connection to bring a request's headers, and for all of an exchange behind them; 0:
     * SH_HTTP_HEADERS_MAX_S and SH_HTTP_EXCHANGE_MAX_S. */
    int64_t headers_max_ms, exchange_max_ms;
    size_t connections_max; /* 0: SH_HTTP_CONNECTIONS_MAX; fewer where few files may be open */
    /* Called from the server's threads for each event; must not block. May be NULL. */
    void (*on_event)(const sh_http_event *event);
} sh_http_server_options;

/*
 * Starts threads that serve. SH_E_IO names address and reason; SH_E_CONFIG where certificate and
 * key are none, or do not belong together; SH_E_UNSUPPORTED, SH_E_MEMORY.
 */
sh_err sh_http_server_start(const sh_http_server_options *options, sh_http_server **ret,
                            sh_error *error);

/* Counters of all servers of the process, for GET /metrics. */
sh_err sh_http_server_metrics(sh_buf *ret);
uint16_t sh_http_server_port(const sh_http_server *server);

/*
 * New connections get the new certificate, those in hand end with theirs. After a failure, as at
 * the start, all stays as it was. From the thread that tends.
 */
sh_err sh_http_server_renew_tls(sh_http_server *server, const sh_http_tls *tls, sh_error *error);

/*
 * To be called every second or so, from one thread: ends connections that trickle beyond their
 * time, and what renewed certificates left behind. Gives the number of connections it ended.
 */
size_t sh_http_server_tend(sh_http_server *server);

/* Accepts nothing new, lets exchanges in hand end for at most grace_ms, then closes. NULL is fine.
 */
void sh_http_server_stop(sh_http_server *server, int64_t grace_ms);

/* A request header's value, or NULL. */
const char *sh_http_header(const sh_http_exchange *exchange, const char *name);
/* The media type of the body in lower case without parameters, "" where none is given. */
const char *sh_http_content_type(const sh_http_exchange *exchange);
sh_slice sh_http_body(const sh_http_exchange *exchange);
/*
 * Makes bytes that handle() is about to take for this body part of what all bodies together may
 * hold (SH_HTTP_BODIES_MAX), until it returns. False where there is no room: answer 503.
 */
bool sh_http_claim(sh_http_exchange *exchange, size_t bytes);
const char *sh_http_peer(const sh_http_exchange *exchange); /* its address as text */
/* The token of `Authorization: Bearer`, empty where there is none. */
sh_slice sh_http_bearer(const sh_http_exchange *exchange);

#define SH_HTTP_REFUSED_HEAD_BYTES 320
#define SH_HTTP_REFUSED_TAIL_BYTES 1024

/*
 * For a log line about a refusal that says what the body claims: calls refused() once, with the
 * first and the last bytes of the body as far as they came. Of a body that admit() refused no more
 * than the above are kept, and it is called when that body has ended or broken off, or is not read
 * at all. It must not block.
 */
typedef void sh_http_refused(const sh_http_exchange *exchange, sh_slice head, sh_slice tail);
void sh_http_when_refused(sh_http_exchange *exchange, sh_http_refused *refused);

/*
 * What a peer can do whose body is larger than admit() allows, for the message of that answer.
 * remedy is a static text, used until the exchange ends.
 */
void sh_http_when_too_large(sh_http_exchange *exchange, const char *remedy);

/* Whether the callback that has the exchange may wait for others. */
bool sh_http_may_wait(const sh_http_exchange *exchange);
/* Whether a worker has the exchange as one of SH_HTTP_EXCLUSIVE. */
bool sh_http_is_exclusive(const sh_http_exchange *exchange);

/* Sets a header of the answer; before sh_http_reply(). */
void sh_http_reply_header(sh_http_exchange *exchange, const char *name, const char *value);
/*
 * Answers, once. body is copied. False where there was no room for a large one among all bodies
 * that are in hand (SH_HTTP_BODIES_MAX): the answer is 503 then.
 */
bool sh_http_reply(sh_http_exchange *exchange, unsigned status, const char *content_type,
                   sh_slice body);
/*
 * Answers with the body that http_error.h describes; 503 gets `Retry-After`. code may be NULL.
 */
void sh_http_reply_error(sh_http_exchange *exchange, unsigned status, const char *code,
                         const char *error_text, const char *message);

/* Name and version of the library, for --version. */
sh_library_version sh_http_server_library;

#endif
