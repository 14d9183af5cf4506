/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_H
#define SH_HTTP_SERVER_H

#include "libcommon/base/error.h"
#include "libcommon/base/shared_text.h"
#include "libcommon/base/text.h"
#include "libcommon/base/version.h"
#include "libcommon/http/http_setting_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one module that uses libmicrohttpd: routes, bounded bodies, answers. */
typedef struct sh_http_server sh_http_server;
typedef struct sh_http_exchange sh_http_exchange; /* one request being answered */

#define SH_HTTP_TOGETHER_MAX 64 /* exchanges in one call of handle_each() */
#define SH_HTTP_WORKERS_MAX 8   /* threads for blocking callbacks; with few cores fewer */
#define SH_HTTP_WAIT SIZE_MAX   /* returned by admit() to be called again where it may wait */

/*
 * Which thread calls the callbacks of a route, once the body is complete: the I/O thread, or one of
 * a few workers, so that no peer waits for another peer's request. Exchanges for workers wait in a
 * FIFO for each class; the workers serve the classes round-robin.
 */
typedef enum {
    SH_HTTP_IMMEDIATE, /* the I/O thread: the callback does not block */
    SH_HTTP_NORMAL,    /* all workers in parallel */
    SH_HTTP_QUERY,     /* one worker, which handles all that arrived meanwhile together */
    SH_HTTP_EXCLUSIVE, /* one exchange at a time, as it takes much memory */
    SH_HTTP_CLASSES
} sh_http_class;

typedef struct {
    const char *method; /* "GET" or "POST"; a GET route answers HEAD too; "*": any */
    const char *path;   /* exact; "*": any, for a server that does its own routing */
    /*
     * Called after the headers and before the body. It either answers with sh_http_reply(), and the
     * body is not read, or returns how many bytes of body it allows (the server answers 413 to a
     * larger one). If it must block and !sh_http_may_wait(), it returns SH_HTTP_WAIT and is called
     * again by a worker. NULL allows no body.
     */
    size_t (*admit)(void *context, sh_http_exchange *exchange);
    /* Called with the complete body, unless admit() answered. It must answer. */
    void (*handle)(void *context, sh_http_exchange *exchange);
    /*
     * Instead of handle(): called with several exchanges of one class (an exclusive one is always
     * alone), so that they share one wait. It must answer each.
     */
    void (*handle_each)(void *context, sh_http_exchange *const exchanges[], size_t count);
    sh_http_class class;
    /*
     * Instead of class: returns the class of an exchange whose body is complete. Called in an I/O
     * thread, so it must not block.
     */
    sh_http_class (*classify)(void *context, const sh_http_exchange *exchange);
    /* Answered even over the limits on connections: /livez and the like. */
    bool probe;
    void *context; /* for its callbacks; NULL: the server's context */
} sh_http_route;

/* A certificate chain and its key in PEM; NULL for plain HTTP. Copied. */
typedef struct {
    const char *cert, *key;
} sh_http_tls;

/* Events about peers, for the log. */
typedef enum {
    SH_HTTP_EVENT_NONE,
    SH_HTTP_EVENT_ADDRESS_LIMIT, /* one address reached its limit of connections */
    SH_HTTP_EVENT_TOTAL_LIMIT,   /* the server reached its limit of connections */
    SH_HTTP_EVENT_NO_FILES,      /* no file descriptor is free */
    SH_HTTP_EVENT_TLS_TO_PLAIN,  /* a TLS handshake on a port without TLS */
    SH_HTTP_EVENT_PLAIN_TO_TLS,  /* plain HTTP on a port with TLS */
    SH_HTTP_EVENT_AMBIGUOUS,     /* a request that parsers interpret differently */
} sh_http_event_kind;

typedef struct {
    sh_http_event_kind kind;
    const char *peer;    /* an address as text */
    const char *message; /* a sentence for the log, without the peer */
} sh_http_event;

typedef struct {
    sh_http_server_names names; /* for messages */
    const char *host;           /* an address; `::` includes IPv4 */
    uint16_t port;              /* 0: any free port */
    sh_http_tls tls;            /* TLS 1.2 and 1.3 */
    const sh_http_route
        *routes;   /* ends with a route whose method is NULL; must outlive the server */
    void *context; /* for every callback */
    /*
     * Time limits for receiving a request's headers, and for the rest of the exchange; 0:
     * SH_HTTP_HEADERS_MAX_S and SH_HTTP_EXCHANGE_MAX_S.
     */
    int64_t headers_max_ms, exchange_max_ms;
    size_t connections_max; /* 0: SH_HTTP_CONNECTIONS_MAX; less if RLIMIT_NOFILE is low */
    /*
     * Answers, with sh_http_reply(), what the server itself refuses (SH_HTTP_CODE_…); NULL: as
     * sh_http_error_write(). Called in the server's threads; must not block.
     */
    void (*refuse)(sh_http_exchange *exchange, unsigned status, const char *message);
    /* Called in the server's threads for each event; must not block. May be NULL. */
    void (*on_event)(const sh_http_event *event);
} sh_http_server_options;

/*
 * Starts the server's threads. SH_E_IO: cannot listen, with address and reason; SH_E_CONFIG:
 * certificate or key are invalid or do not match, or the library has no TLS; SH_E_MEMORY.
 */
sh_err sh_http_server_start(const sh_http_server_options *options, sh_http_server **ret,
                            sh_error *error);

/* Counters of all servers of the process, for GET /metrics. */
sh_err sh_http_server_metrics(sh_buf *ret);
uint16_t sh_http_server_port(const sh_http_server *server);

/*
 * New connections get the new certificate, existing ones keep theirs. A failure, with the errors of
 * sh_http_server_start(), changes nothing. Call it from the thread that calls
 * sh_http_server_tend().
 */
sh_err sh_http_server_renew_tls(sh_http_server *server, const sh_http_tls *tls, sh_error *error);

/*
 * Call it about every second, from one thread: ends connections that are over their time limit, or
 * whose peer has gone, and daemons of replaced certificates. Returns the number of connections over
 * their limit. While the server is idle, it needs to be called only once sh_http_server_busy_fd()
 * is readable.
 */
size_t sh_http_server_tend(sh_http_server *server);

/* Whether there are no connections and no such daemons. For the thread that tends. */
bool sh_http_server_is_idle(sh_http_server *server);

/* Readable from the first connection on, until the next sh_http_server_tend(). */
int sh_http_server_busy_fd(const sh_http_server *server);

/*
 * Stops accepting, lets running exchanges end for at most grace_ms, then closes all and frees the
 * server. NULL is accepted.
 */
void sh_http_server_stop(sh_http_server *server, int64_t grace_ms);

/* The request's method, and its path as it was sent, without the query. */
const char *sh_http_method(const sh_http_exchange *exchange);
const char *sh_http_path(const sh_http_exchange *exchange);
/* A parameter of the query as it was sent, percent-encoded, or NULL. */
const char *sh_http_query(const sh_http_exchange *exchange, const char *name);
/* A request header's value, or NULL. */
const char *sh_http_header(const sh_http_exchange *exchange, const char *name);
/* The media type of the body in lower case without parameters, "" if there is none. */
const char *sh_http_content_type(const sh_http_exchange *exchange);
sh_slice sh_http_body(const sh_http_exchange *exchange);
/*
 * Reserves bytes that handle() will allocate for this body from the budget of all bodies
 * (SH_HTTP_BODIES_MAX), until handle() returns. False if the budget is used up: answer 503.
 */
bool sh_http_claim(sh_http_exchange *exchange, size_t bytes);
const char *sh_http_peer(const sh_http_exchange *exchange); /* its address as text */
/* The token of `Authorization: Bearer`, empty if there is none. */
sh_slice sh_http_bearer(const sh_http_exchange *exchange);

#define SH_HTTP_REFUSED_HEAD_BYTES 320
#define SH_HTTP_REFUSED_TAIL_BYTES 1024

/*
 * For a log line about a refusal that quotes what the body claims: calls refused() once, with the
 * first and last bytes of the body that were received. For a body that admit() refused, only these
 * bytes are kept, and refused() is called when that body has ended or broken off, or at once if it
 * is not read. It must not block.
 */
typedef void sh_http_refused(const sh_http_exchange *exchange, sh_slice head, sh_slice tail);
void sh_http_when_refused(sh_http_exchange *exchange, sh_http_refused *refused);

/*
 * Sets advice for the answer to a body that is larger than admit() allows. remedy is a static text,
 * used until the exchange ends.
 */
void sh_http_when_too_large(sh_http_exchange *exchange, const char *remedy);

/* Whether the running callback may block. */
bool sh_http_may_wait(const sh_http_exchange *exchange);
/* Whether a worker handles the exchange as SH_HTTP_EXCLUSIVE. */
bool sh_http_is_exclusive(const sh_http_exchange *exchange);

/* Sets a header of the answer, of at most 1,280 bytes; call it before sh_http_reply(). */
void sh_http_reply_header(sh_http_exchange *exchange, const char *name, const char *value);
/*
 * Answers; call it once. Copies body. Returns false if the budget of all bodies
 * (SH_HTTP_BODIES_MAX) has no room for a large one: the answer is 503 then.
 */
bool sh_http_reply(sh_http_exchange *exchange, unsigned status, const char *content_type,
                   sh_slice body);
/*
 * Answers with body, of at most SH_HTTP_SMALL_BODY, and a text after it that all exchanges share:
 * it is referenced until the answer was sent, not copied, and does not count against the budget.
 */
void sh_http_reply_shared(sh_http_exchange *exchange, unsigned status, const char *content_type,
                          sh_slice body, sh_shared_text *shared);
/* Answers with an error body (http_error.h); adds `Retry-After` to 503. code may be NULL. */
void sh_http_reply_error(sh_http_exchange *exchange, unsigned status, const char *code,
                         const char *error_text, const char *message);

/* Name and version of the library, for --version. */
sh_library_version sh_http_server_library;

#endif
