/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_accept.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/http/http_error.h"
#include "libcommon/http/http_server_connections.h"
#include "libcommon/http/http_server_events.h"
#include "libcommon/http/http_server_peer.h"
#include "libcommon/http/http_server_timeouts.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * This thread accepts connections instead of the library: a renewed certificate requires taking the
 * listening socket away from the library, which races with its threads (MHD_quiesce_daemon() in
 * 0.9.75 and 1.0.1 may abort the program).
 *
 * The library gets a connection once its first byte has arrived. So a connection that sends nothing
 * costs only a descriptor, and a peer with the wrong protocol (TLS on a plain port or the reverse)
 * gets a readable answer.
 */

#define EVENTS_MAX 64     /* handled per epoll_wait() */
#define ACCEPTS_MAX 64    /* before events of waiting connections are handled */
#define PAUSE_MS 50       /* pause of accepting after a lack of descriptors or memory */
#define DISCARD_MAX 65536 /* bytes read from such a peer per event */
#define TLS_HANDSHAKE 0x16

/* --- The accepting thread -------------------------------------------------------------------- */

static void close_ours(sh_http_server *server, sh_http_connection *c)
{
    int fd = c->fd;
    sh_http_connections_remove(server, c);
    (void)close(fd);
}

static void hand_over(sh_http_server *server, sh_http_connection *c)
{
    int fd = c->fd;
    struct sockaddr_storage peer = c->peer;
    socklen_t len = c->peer_len;
    (void)epoll_ctl(server->ready, EPOLL_CTL_DEL, fd, NULL);
    sh_http_set_phase(server, c, SH_HTTP_IDLE);
    /* From here on the library may end the connection and free c. */
    (void)pthread_mutex_lock(&server->accept_lock);
    bool taken = MHD_add_connection(server->current->mhd, fd, (const struct sockaddr *)&peer,
                                    len) == MHD_YES;
    (void)pthread_mutex_unlock(&server->accept_lock);
    if (!taken) /* out of memory; the library has closed the socket */
        sh_http_connections_remove(server, c);
}

/* Reports a peer that speaks TLS to a plain port, or the reverse. */
static void report_protocol(sh_http_server *server, const char *peer)
{
    char message[200];
    if (server->has_tls)
        (void)snprintf(message, sizeof message,
                       "plain HTTP on this port, which speaks TLS: the peer's URL must begin with "
                       "https://");
    else
        (void)snprintf(message, sizeof message,
                       "a TLS handshake on this port, which speaks plain HTTP: the peer's URL must "
                       "begin with http://, or %s and %s must be set here",
                       server->names.cert, server->names.key);
    sh_http_report(server, &(sh_http_event){.kind = server->has_tls ? SH_HTTP_EVENT_PLAIN_TO_TLS
                                                                    : SH_HTTP_EVENT_TLS_TO_PLAIN,
                                            .peer = peer,
                                            .message = message});
}

/* Answers in plain HTTP, which makes a TLS client fail at once. */
static void refuse_protocol(sh_http_server *server, sh_http_connection *c)
{
    char peer[INET6_ADDRSTRLEN], answer[512];
    sh_http_peer_text((const struct sockaddr *)&c->peer, peer);
    bool tls = server->has_tls;
    const char *message = tls ? "This port speaks TLS only: the URL must begin with https://"
                              : "This port speaks plain HTTP only: the URL must begin with http://";
    report_protocol(server, peer);
    SH_CLEANUP(sh_buf_reset) sh_buf body = SH_BUF_INIT(384);
    /* The request was not read: if it is a NetAlertX node's, its user sees only "error". */
    if (sh_http_error_write(tls ? SH_HTTP_CODE_TLS : SH_HTTP_CODE_PLAIN, message, message, &body) !=
        SH_OK)
        sh_buf_clear(&body); /* out of memory: send only the status */
    int len = snprintf(answer, sizeof answer,
                       "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                       body.len, body.len > 0 ? body.data : "");
    assert(len > 0 && (size_t)len < sizeof answer);
    (void)send(c->fd, answer, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* Closing a socket with unread bytes would reset the connection and lose the answer. */
    (void)shutdown(c->fd, SHUT_WR);
    sh_http_set_phase(server, c, SH_HTTP_LEAVING);
}

static void discard_bytes(sh_http_server *server, sh_http_connection *c)
{
    char bytes[4096];
    ssize_t n = 1;
    for (size_t seen = 0; n > 0 && seen < DISCARD_MAX; seen += sizeof bytes)
        n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_ours(server, c);
}

/* Handles bytes on a connection that this thread still owns. */
static void on_bytes(sh_http_server *server, sh_http_connection *c)
{
    if (atomic_load(&c->phase) == SH_HTTP_LEAVING) {
        discard_bytes(server, c);
        return;
    }
    unsigned char first;
    ssize_t n = recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        close_ours(server, c);
    else if (server->has_tls ? first >= 'A' && first <= 'Z' : first == TLS_HANDSHAKE)
        refuse_protocol(server, c);
    else
        hand_over(server, c);
}

static void report_limit(sh_http_server *server, sh_http_event_kind kind,
                         const struct sockaddr_storage *from)
{
    char peer[INET6_ADDRSTRLEN], message[200];
    sh_http_peer_text((const struct sockaddr *)from, peer);
    const sh_http_limits *limits = &server->limits;
    if (kind == SH_HTTP_EVENT_ADDRESS_LIMIT)
        (void)snprintf(
            message, sizeof message,
            "this address has %zu connections, the maximum for one address: its oldest idle "
            "one is closed for each new one",
            limits->per_address);
    else if (kind == SH_HTTP_EVENT_TOTAL_LIMIT)
        (void)snprintf(message, sizeof message,
                       "there are %zu connections, the maximum: an idle one is closed for "
                       "each new one",
                       limits->total);
    else
        (void)snprintf(message, sizeof message,
                       "could not accept a connection: no file descriptor or memory is left");
    sh_http_report(server, &(sh_http_event){.kind = kind, .peer = peer, .message = message});
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Accepts one connection; false if none waits or the system cannot accept (see errno). */
static bool accept_one(sh_http_server *server)
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof peer;
    int fd =
        accept4(server->listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == ECONNABORTED || errno == EINTR;
    sh_http_event event = {.kind = SH_HTTP_EVENT_NONE};
    sh_http_report(server, &event);
    sh_http_connection *c = sh_http_connections_add(server, fd, &peer, len, &event);
    if (event.kind != SH_HTTP_EVENT_NONE && event.kind != SH_HTTP_EVENT_NO_FILES)
        report_limit(server, event.kind, &peer);
    if (c == NULL) {
        (void)close(fd);
        return true;
    }
    struct epoll_event waited = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    if (epoll_ctl(server->ready, EPOLL_CTL_ADD, fd, &waited) != 0)
        close_ours(server, c);
    return true;
}

static void watch_listener(sh_http_server *server, bool on)
{
    struct epoll_event waited = {.events = on ? EPOLLIN : 0, .data.ptr = &server->listener};
    (void)epoll_ctl(server->ready, EPOLL_CTL_MOD, server->listener, &waited);
}

/* accept4() also reports a lack of descriptors if no connection waits. */
static bool is_awaited(const sh_http_server *server)
{
    struct pollfd waited = {.fd = server->listener, .events = POLLIN};
    return poll(&waited, 1, 0) == 1;
}

/*
 * Accepts waiting connections. If no descriptor is left, closes an idle connection and pauses
 * accepting, as the waiting peer would otherwise wake this thread continuously. Returns the end of
 * the pause in monotonic time, 0 for none.
 */
static int64_t accept_some(sh_http_server *server)
{
    errno = 0;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        if (accept_one(server))
            continue;
        if (!is_shortage(errno) || !is_awaited(server))
            return 0;
        static const struct sockaddr_storage nobody;
        report_limit(server, SH_HTTP_EVENT_NO_FILES, &nobody);
        (void)sh_http_connections_end_one(server);
        watch_listener(server, false);
        return sh_clock_monotonic_ms() + PAUSE_MS;
    }
    return 0;
}

static void *accept_all(void *context)
{
    sh_http_server *server = context;
    struct epoll_event events[EVENTS_MAX];
    int64_t paused_until_ms = 0;
    for (;;) {
        int count =
            epoll_wait(server->ready, events, EVENTS_MAX, paused_until_ms > 0 ? PAUSE_MS : -1);
        bool knocked = false;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &server->stop_fd)
                return NULL;
            if (events[i].data.ptr == &server->listener)
                knocked = true;
            else
                on_bytes(server, events[i].data.ptr);
        }
        /* After the other events, as accepting may close one of their connections. */
        if (knocked && paused_until_ms == 0)
            paused_until_ms = accept_some(server);
        if (paused_until_ms > 0 && sh_clock_monotonic_ms() >= paused_until_ms) {
            paused_until_ms = 0;
            watch_listener(server, true);
        }
    }
}

/* --- Start and stop -------------------------------------------------------------------------- */

static sh_err add_to_epoll(sh_http_server *server, int fd, void *tag, sh_error *error)
{
    struct epoll_event waited = {.events = EPOLLIN, .data.ptr = tag};
    if (fd < 0 || server->ready < 0 || epoll_ctl(server->ready, EPOLL_CTL_ADD, fd, &waited) != 0)
        return sh_fail(error, SH_E_IO, "epoll: %s", strerror(errno));
    return SH_OK;
}

sh_err sh_http_accept_start(sh_http_server *server, sh_error *error)
{
    sigset_t all, before;
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->busy_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->ready = epoll_create1(EPOLL_CLOEXEC);
    sh_err err = add_to_epoll(server, server->stop_fd, &server->stop_fd, error);
    if (err == SH_OK)
        err = add_to_epoll(server, server->listener, &server->listener, error);
    if (err == SH_OK && server->busy_fd < 0)
        err = sh_fail(error, SH_E_IO, "eventfd: %s", strerror(errno));
    if (err != SH_OK)
        return err;
    /* Other threads handle signals. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&server->acceptor, NULL, accept_all, server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return sh_fail(error, SH_E_MEMORY, "no thread for the HTTP server: %s", strerror(failed));
    server->has_acceptor = true;
    return SH_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void sh_http_accept_stop(sh_http_server *server)
{
    if (server->has_acceptor) {
        uint64_t one = 1;
        (void)!write(server->stop_fd, &one, sizeof one);
        (void)pthread_join(server->acceptor, NULL);
        server->has_acceptor = false;
        sh_http_connections_close_ours(server);
    }
    close_fd(&server->stop_fd);
    close_fd(&server->busy_fd);
    close_fd(&server->ready);
    close_fd(&server->listener);
}
