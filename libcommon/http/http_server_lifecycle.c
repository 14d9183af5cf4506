/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/http_server_accept.h"
#include "libcommon/http/http_server_connections.h"
#include "libcommon/http/http_server_request.h"
#include "libcommon/http/http_server_timeouts.h"
#include "libcommon/http/http_server_work.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define STOP_POLL_MS 10
#define LAST_ANSWERS_MS 500 /* for sending answers made at the last moment */
#define THREAD_STACK_BYTES (256 * SH_KIB)
#define IO_THREADS_MAX 4
#define OUT_OF_REACH (1U << 20) /* never reached: the library hangs at its limit of connections */

/* --- Daemons -----------------------------------------------------------------------------------
 */

/* Keeps the library's messages, which it would print on standard error, while a daemon starts. */
static _Thread_local char library_message[160];

static void keep_library_message(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void keep_library_message(void *cls, const char *format, va_list args)
{
    (void)cls;
    if (library_message[0] == '\0')
        (void)vsnprintf(library_message, sizeof library_message, format, args);
    library_message[strcspn(library_message, "\r\n")] = '\0';
}

/* Number of I/O threads: as many as cores; no pool for a single core. */
static int io_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 2)
        return 0;
    return cores < IO_THREADS_MAX ? (int)cores : IO_THREADS_MAX;
}

/*
 * Disables percent-decoding: routes match the path as sent, so that no other spelling of /sync
 * evades a proxy's rules.
 */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

/*
 * TLS 1.3, and TLS 1.2 with forward secrecy and authenticated encryption: no RSA key exchange, no
 * CBC.
 */
#define TLS_PRIORITIES                                                                             \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:"      \
    "+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

static struct MHD_Daemon *start_mhd(sh_http_daemon *d)
{
    sh_http_server *server = d->server;
    bool tls = d->tls_cert != NULL;
    unsigned flags = MHD_USE_ERROR_LOG | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;
    if (tls)
        flags |= MHD_USE_TLS;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)keep_library_message, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)sh_http_on_completed, d},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)sh_http_on_connection, server},
        {MHD_OPTION_CONNECTION_LIMIT, OUT_OF_REACH, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, SH_HTTP_IDLE_TIMEOUT_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, SH_HTTP_HEADER_BYTES_MAX, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, THREAD_STACK_BYTES, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, io_threads(), NULL},
        /* Before 1.0 http_server_ambiguity.c detects more than the library. */
        {MHD_OPTION_STRICT_FOR_CLIENT, MHD_get_version()[0] == '0' ? 0 : 1, NULL},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL},
        {tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, d->tls_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, d->tls_key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(flags, 0, NULL, NULL, sh_http_on_request, d, MHD_OPTION_ARRAY, items,
                            MHD_OPTION_END);
}

/* Frees a daemon that has been stopped. */
static void free_daemon(sh_http_daemon *d)
{
    if (d == NULL)
        return;
    if (d->tls_key != NULL)
        explicit_bzero(d->tls_key, strlen(d->tls_key));
    free(d->tls_key);
    free(d->tls_cert);
    free(d);
}

static sh_err start_daemon(sh_http_server *server, const sh_http_tls *tls, sh_http_daemon **ret,
                           sh_error *error)
{
    bool secure = tls != NULL && tls->cert != NULL;
    if (secure && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return sh_fail(error, SH_E_CONFIG,
                       "%s: this program was built without TLS for its own port: use that of the "
                       "package or the image synchub-pusher-tls, or leave it out, and put a proxy "
                       "with TLS in front",
                       server->names.cert);
    sh_http_daemon *d = calloc(1, sizeof *d);
    if (d != NULL && secure) {
        d->tls_cert = strdup(tls->cert);
        d->tls_key = strdup(tls->key);
    }
    if (d == NULL || (secure && (d->tls_cert == NULL || d->tls_key == NULL))) {
        free_daemon(d);
        return sh_fail(error, SH_E_MEMORY, "no memory for the HTTP server");
    }
    d->server = server;
    library_message[0] = '\0';
    d->mhd = start_mhd(d);
    if (d->mhd == NULL) {
        free_daemon(d);
        if (secure)
            return sh_fail(error, SH_E_CONFIG,
                           "the certificate of %s and the key of %s cannot be used together: %s",
                           server->names.cert, server->names.key,
                           library_message[0] == '\0' ? "one of them is broken" : library_message);
        return sh_fail(error, SH_E_IO, "the HTTP server does not start: %s", library_message);
    }
    *ret = d;
    return SH_OK;
}

/*
 * Stops a daemon after its workers have finished their exchanges; their answers have answers_ms to
 * be sent.
 */
static void stop_daemon(sh_http_daemon *d, int64_t answers_ms)
{
    if (d == NULL)
        return;
    atomic_store(&d->closing, true);
    while (atomic_load(&d->suspended) > 0) /* the library must not be stopped earlier */
        (void)usleep(STOP_POLL_MS * 1000);
    int64_t until = sh_clock_monotonic_ms() + answers_ms;
    while (atomic_load(&d->exchanges) > 0 && sh_clock_monotonic_ms() < until)
        (void)usleep(STOP_POLL_MS * 1000);
    MHD_stop_daemon(d->mhd);
    free_daemon(d);
}

/* --- Start and stop -------------------------------------------------------------------------- */

/* The names, with general terms for those that the program did not set. */
static sh_http_server_names with_defaults(const sh_http_server_names *names)
{
    return (sh_http_server_names){
        .listen = names->listen != NULL ? names->listen : "the address to listen on",
        .cert = names->cert != NULL ? names->cert : "the file of the certificate",
        .key = names->key != NULL ? names->key : "the file of the key",
    };
}

static sh_err resolve_address(const sh_http_server *server, const sh_http_server_options *options,
                              struct addrinfo **ret, sh_error *error)
{
    char service[8];
    (void)snprintf(service, sizeof service, "%u", options->port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    int failed = getaddrinfo(options->host, service, &hints, ret);
    if (failed != 0)
        return sh_fail(error, SH_E_CONFIG, "%s: %s is not an address: %s", server->names.listen,
                       options->host, gai_strerror(failed));
    return SH_OK;
}

/* Returns a listening socket, or -1 with errno. */
static int listen_at(const struct addrinfo *address)
{
    const int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6) {
        /* `::` includes IPv4, whatever the system's default is. */
        const struct sockaddr_in6 *v6 = (const void *)address->ai_addr;
        const int only = !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    }
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        int why = errno;
        (void)close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    memset(&address, 0, sizeof address);
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static sh_err start_listening(const sh_http_server_options *options, sh_http_server *server,
                              sh_error *error)
{
    struct addrinfo *address = NULL;
    sh_err err = resolve_address(server, options, &address, error);
    if (err != SH_OK)
        return err;
    server->listener = listen_at(address);
    freeaddrinfo(address);
    if (server->listener < 0)
        return sh_fail(error, SH_E_IO,
                       "%s=%s:%u: could not listen there: %s; is another program there?",
                       server->names.listen, options->host, options->port, strerror(errno));
    server->port = port_of(server->listener);
    return SH_OK;
}

static void free_server(sh_http_server *server)
{
    sh_http_connections_free(server);
    sh_http_workers_free(server->workers);
    (void)pthread_mutex_destroy(&server->accept_lock);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

sh_err sh_http_server_start(const sh_http_server_options *options, sh_http_server **ret,
                            sh_error *error)
{
    sh_http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the HTTP server");
    server->listener = -1;
    server->routes = options->routes;
    server->context = options->context;
    server->names = with_defaults(&options->names);
    sh_http_timeouts_init(server, options);
    server->on_event = options->on_event;
    server->refuse = options->refuse;
    server->has_tls = options->tls.cert != NULL;
    server->stop_fd = server->busy_fd = server->ready = -1;
    (void)pthread_mutex_init(&server->lock, NULL);
    (void)pthread_mutex_init(&server->accept_lock, NULL);
    sh_err err = sh_http_connections_init(server, options->connections_max, error);
    if (err == SH_OK)
        err = sh_http_workers_new(&server->workers, error);
    if (err == SH_OK)
        err = start_listening(options, server, error);
    if (err == SH_OK)
        err = start_daemon(server, &options->tls, &server->current, error);
    if (err == SH_OK)
        err = sh_http_accept_start(server, error);
    if (err != SH_OK) {
        sh_http_accept_stop(server);
        stop_daemon(server->current, 0);
        free_server(server);
        return err;
    }
    *ret = server;
    return SH_OK;
}

uint16_t sh_http_server_port(const sh_http_server *server)
{
    return server->port;
}

sh_err sh_http_server_renew_tls(sh_http_server *server, const sh_http_tls *tls, sh_error *error)
{
    sh_http_daemon *fresh = NULL;
    sh_err err = start_daemon(server, tls, &fresh, error);
    if (err != SH_OK)
        return err;
    /* Renewed twice in a row: stop the oldest daemon now. */
    stop_daemon(server->retired, LAST_ANSWERS_MS);
    server->retired = server->current;
    server->retired->retired_ms = sh_clock_monotonic_ms();
    (void)pthread_mutex_lock(&server->accept_lock);
    server->current = fresh;
    (void)pthread_mutex_unlock(&server->accept_lock);
    return SH_OK;
}

/*
 * Whether a retired daemon can be stopped: all its connections have ended, or only idle ones remain
 * after their time, or the time limit of an exchange is over.
 */
static bool is_spent(const sh_http_server *server, const sh_http_daemon *old)
{
    int64_t age_ms = sh_clock_monotonic_ms() - old->retired_ms;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(old->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    if (atomic_load(&old->suspended) > 0)
        return false;
    if (info != NULL && info->num_connections == 0)
        return true;
    return age_ms > server->headers_max_ms &&
           (atomic_load(&old->exchanges) == 0 || age_ms > 2 * server->exchange_max_ms);
}

bool sh_http_server_is_idle(sh_http_server *server)
{
    return server->retired == NULL && sh_http_connections_count(server) == 0;
}

int sh_http_server_busy_fd(const sh_http_server *server)
{
    return server->busy_fd;
}

size_t sh_http_server_tend(sh_http_server *server)
{
    eventfd_t ignored;
    (void)eventfd_read(server->busy_fd, &ignored);
    size_t ended = sh_http_connections_end_overdue(server);
    sh_http_daemon *old = server->retired;
    if (old != NULL && is_spent(server, old)) {
        server->retired = NULL;
        stop_daemon(old, 0);
    }
    return ended;
}

static size_t exchanges_in_hand(const sh_http_server *server)
{
    return atomic_load(&server->current->exchanges) +
           (server->retired == NULL ? 0 : atomic_load(&server->retired->exchanges));
}

static void let_exchanges_end(const sh_http_server *server, int64_t grace_ms)
{
    int64_t until = sh_clock_monotonic_ms() + grace_ms;
    while (exchanges_in_hand(server) > 0 && sh_clock_monotonic_ms() < until)
        (void)usleep(STOP_POLL_MS * 1000);
}

void sh_http_server_stop(sh_http_server *server, int64_t grace_ms)
{
    if (server == NULL)
        return;
    sh_http_accept_stop(server);
    let_exchanges_end(server, grace_ms);
    sh_http_workers_stop(server->workers);
    let_exchanges_end(server, LAST_ANSWERS_MS);
    stop_daemon(server->retired, 0);
    stop_daemon(server->current, 0);
    free_server(server);
}

void sh_http_server_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libmicrohttpd %s", MHD_get_version());
}
