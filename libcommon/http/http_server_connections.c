/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_connections.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/http/http_server_peer.h"
#include "libcommon/http/http_server_timeouts.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

/*
 * Counts connections from accept4() on, for each address and in total. They stay below the
 * library's own limit, at which libmicrohttpd 0.9.75 locks a mutex twice and hangs. Over a limit a
 * new connection replaces an expendable one: the oldest without a running request, of the address
 * that has most connections. If there is none, the new one gets a place reserved for probes, where
 * any other request is answered 503, or is closed.
 */

#define FILES_MIN 64        /* open files that a program needs to serve at all */
#define FILES_OF_PROGRAM 40 /* minimum of descriptors for the rest of the program */
#define FILES_OF_PROGRAM_MAX 128
#define ADDRESS_MIN 8   /* minimum for one address, even if the total is low */
#define CLOSING_MAX 64  /* connections that were shut down and are not closed yet */
#define BY_FD_MAX 65536 /* descriptors above it are refused */
#define LOST_MS 60000   /* the library had no memory to report a connection */

/* --- Limits ---------------------------------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static sh_http_limits limits_of(size_t files, size_t most)
{
    size_t program = smaller(FILES_OF_PROGRAM + files / 8, FILES_OF_PROGRAM_MAX);
    size_t places = files - program;
    sh_http_limits limits = {.reserved =
                                 smaller(larger(places / 8, 4), SH_HTTP_CONNECTIONS_RESERVED)};
    /* A connection that is ending still has its descriptor. */
    size_t closing = smaller(places / 8, CLOSING_MAX);
    limits.total = smaller(places - limits.reserved - closing, most);
    limits.per_address =
        larger(smaller(limits.total / 4, SH_HTTP_CONNECTIONS_PER_ADDRESS_MAX), ADDRESS_MIN);
    return limits;
}

sh_err sh_http_connections_init(sh_http_server *server, size_t most, sh_error *error)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > BY_FD_MAX)
        files.rlim_cur = BY_FD_MAX;
    if (files.rlim_cur < FILES_MIN)
        return sh_fail(error, SH_E_IO,
                       "only %llu files may be open (ulimit -n), which is too few to listen: allow "
                       "at least %d",
                       (unsigned long long)files.rlim_cur, FILES_MIN);
    server->limits = limits_of((size_t)files.rlim_cur, most == 0 ? SH_HTTP_CONNECTIONS_MAX : most);
    server->by_fd_count = (size_t)files.rlim_cur;
    server->by_fd = calloc(server->by_fd_count, sizeof(sh_http_connection *));
    if (server->by_fd == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the HTTP server");
    return SH_OK;
}

/* --- Called with the lock held ---------------------------------------------------------------- */

static void forget_connection(sh_http_server *server, sh_http_connection *c)
{
    if (c->next != NULL)
        c->next->previous = c->previous;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        server->connections = c->next;
    if (server->by_fd[c->fd] == c)
        server->by_fd[c->fd] = NULL;
    server->connections_count--;
    server->closing_count -= c->closing;
    server->reserved_count -= c->reserved && !c->closing;
    /* A closing connection is no longer counted for its address. */
    if (!c->closing && --c->address->count == 0)
        free(c->address);
    free(c);
}

static bool is_ours(const sh_http_connection *c)
{
    int phase = atomic_load(&c->phase);
    return phase == SH_HTTP_NEW || phase == SH_HTTP_LEAVING;
}

/* Its owner sees the end of the stream and closes it. From here on it is not counted. */
static void shut_down(sh_http_server *server, sh_http_connection *c)
{
    (void)shutdown(c->fd, SHUT_RDWR);
    server->reserved_count -= c->reserved;
    server->closing_count++;
    c->closing = true;
    if (--c->address->count == 0) {
        free(c->address);
        c->address = NULL;
    }
}

/* Whether fd certainly belongs to the connection, which is not closing. */
static bool can_end(const sh_http_connection *c)
{
    return !c->closing && (c->started || is_ours(c));
}

/* Whether b is more expendable than a, which was accepted later. */
static bool is_better(const sh_http_connection *a, const sh_http_connection *b)
{
    if (a == NULL || b->address->count != a->address->count)
        return a == NULL || b->address->count > a->address->count;
    return atomic_load(&b->since_ms) <= atomic_load(&a->since_ms);
}

/* The most expendable connection without a running request; of one address unless that is NULL. */
static sh_http_connection *find_idle(const sh_http_server *server, const sh_http_address *of)
{
    sh_http_connection *best = NULL;
    for (sh_http_connection *c = server->connections; c != NULL; c = c->next)
        if (can_end(c) && !c->reserved && (of == NULL || c->address == of) &&
            atomic_load(&c->phase) <= SH_HTTP_REFUSED && is_better(best, c))
            best = c;
    return best;
}

/*
 * The most expendable connection that waits for its peer in the middle of a request, of an address
 * with more than `count` connections: so that no address can lock out others with unfinished
 * bodies.
 */
static sh_http_connection *find_greedy(const sh_http_server *server, size_t count)
{
    sh_http_connection *best = NULL;
    for (sh_http_connection *c = server->connections; c != NULL; c = c->next)
        if (can_end(c) && !c->reserved && c->address->count > count &&
            atomic_load(&c->phase) == SH_HTTP_ACTIVE && is_better(best, c))
            best = c;
    return best;
}

/* The oldest of those in a reserved place. The list begins with the one that was accepted last. */
static sh_http_connection *find_reserved(const sh_http_server *server)
{
    sh_http_connection *best = NULL;
    for (sh_http_connection *c = server->connections; c != NULL; c = c->next)
        if (can_end(c) && c->reserved && atomic_load(&c->phase) != SH_HTTP_WORKING &&
            (best == NULL || atomic_load(&c->since_ms) <= atomic_load(&best->since_ms)))
            best = c;
    return best;
}

/* The record of an address, which is created if there is none. NULL: no memory. */
static sh_http_address *find_address(const sh_http_server *server, const struct sockaddr *peer)
{
    uint8_t bytes[16];
    sh_http_peer_bytes(peer, bytes);
    for (const sh_http_connection *c = server->connections; c != NULL; c = c->next)
        if (!c->closing && memcmp(c->address->bytes, bytes, sizeof bytes) == 0)
            return c->address;
    sh_http_address *address = calloc(1, sizeof *address);
    if (address != NULL)
        memcpy(address->bytes, bytes, sizeof bytes);
    return address;
}

/*
 * Finds a place for a connection that its address already counts; *reserved: only for a probe.
 * False if it must be closed.
 */
static bool make_room(sh_http_server *server, const sh_http_address *address, bool *reserved,
                      sh_http_event_kind *over)
{
    size_t places = server->connections_count - server->closing_count - server->reserved_count;
    sh_http_connection *victim = NULL;
    *over = SH_HTTP_EVENT_NONE;
    *reserved = false;
    if (address->count > server->limits.per_address) {
        *over = SH_HTTP_EVENT_ADDRESS_LIMIT;
        victim = find_idle(server, address);
    } else if (places >= server->limits.total) {
        *over = SH_HTTP_EVENT_TOTAL_LIMIT;
        victim = find_idle(server, NULL);
        if (victim == NULL)
            victim = find_greedy(server, address->count);
    } else {
        return true;
    }
    if (server->closing_count >= CLOSING_MAX)
        return false;
    if (victim == NULL) {
        *reserved = true;
        if (server->reserved_count < server->limits.reserved)
            return true;
        victim = find_reserved(server);
    }
    if (victim != NULL)
        shut_down(server, victim);
    return victim != NULL;
}

/* --- For the accepting thread ---------------------------------------------------------------- */

/* Adds a connection to the list. */
static void list_connection(sh_http_server *server, sh_http_connection *c)
{
    sh_http_set_phase(server, c, SH_HTTP_NEW);
    server->reserved_count += c->reserved;
    c->next = server->connections;
    if (c->next != NULL)
        c->next->previous = c;
    server->connections = c;
    server->connections_count++;
    server->by_fd[c->fd] = c;
}

static bool add_connection(sh_http_server *server, sh_http_connection *c, sh_http_event_kind *over)
{
    c->address = find_address(server, (const struct sockaddr *)&c->peer);
    if (c->address == NULL)
        return false;
    c->address->count++; /* before another one of this address is closed */
    if (make_room(server, c->address, &c->reserved, over)) {
        list_connection(server, c);
        return true;
    }
    if (--c->address->count == 0)
        free(c->address);
    return false;
}

sh_http_connection *sh_http_connections_add(sh_http_server *server, int fd,
                                            const struct sockaddr_storage *peer, socklen_t len,
                                            sh_http_event *event)
{
    event->kind = SH_HTTP_EVENT_NO_FILES;
    sh_http_connection *c = (size_t)fd < server->by_fd_count ? calloc(1, sizeof *c) : NULL;
    if (c == NULL)
        return NULL;
    c->fd = fd;
    c->peer = *peer;
    c->peer_len = len;
    (void)pthread_mutex_lock(&server->lock);
    /* The library closed a connection without reporting it, for lack of memory. */
    if (server->by_fd[fd] != NULL)
        forget_connection(server, server->by_fd[fd]);
    bool added = add_connection(server, c, &event->kind);
    bool first = added && server->connections_count == 1;
    (void)pthread_mutex_unlock(&server->lock);
    if (first)
        (void)eventfd_write(server->busy_fd, 1);
    if (!added) {
        free(c);
        return NULL;
    }
    return c;
}

void sh_http_connections_remove(sh_http_server *server, sh_http_connection *c)
{
    (void)pthread_mutex_lock(&server->lock);
    forget_connection(server, c);
    (void)pthread_mutex_unlock(&server->lock);
}

void sh_http_connections_close_ours(sh_http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    for (sh_http_connection *c = server->connections, *next; c != NULL; c = next) {
        next = c->next;
        int fd = c->fd;
        if (!c->started && is_ours(c)) {
            forget_connection(server, c);
            (void)close(fd);
        }
    }
    (void)pthread_mutex_unlock(&server->lock);
}

size_t sh_http_connections_count(sh_http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    size_t count = server->connections_count;
    (void)pthread_mutex_unlock(&server->lock);
    return count;
}

bool sh_http_connections_end_one(sh_http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    sh_http_connection *victim =
        server->closing_count >= CLOSING_MAX ? NULL : find_idle(server, NULL);
    if (victim != NULL)
        shut_down(server, victim);
    (void)pthread_mutex_unlock(&server->lock);
    return victim != NULL;
}

/*
 * libmicrohttpd waits for edges, and not for another read after one that gave less than it had room
 * for: the end of a stream that came with the last bytes is not seen until the connection is idle
 * for too long, and a body that broke off keeps its memory. This causes another edge. What has come
 * can still be read, and an answer sent.
 */
static void show_end_of_stream(const sh_http_connection *c)
{
    struct pollfd waited = {.fd = c->fd, .events = POLLRDHUP};
    if (!is_ours(c) && poll(&waited, 1, 0) == 1)
        (void)shutdown(c->fd, SHUT_RD);
}

size_t sh_http_connections_end_overdue(sh_http_server *server)
{
    size_t ended = 0;
    int64_t now_ms = sh_clock_monotonic_ms();
    (void)pthread_mutex_lock(&server->lock);
    for (sh_http_connection *c = server->connections, *next; c != NULL; c = next) {
        next = c->next;
        int64_t over_ms = sh_http_overdue_ms(c, now_ms);
        if (over_ms < 0 && can_end(c))
            show_end_of_stream(c);
        if (over_ms < 0 || c->closing)
            continue;
        if (can_end(c)) {
            shut_down(server, c);
            ended++;
        } else if (over_ms > LOST_MS) {
            forget_connection(server, c); /* its descriptor may already be reused */
        }
    }
    (void)pthread_mutex_unlock(&server->lock);
    return ended;
}

void sh_http_connections_free(sh_http_server *server)
{
    while (server->connections != NULL)
        forget_connection(server, server->connections);
    free((void *)server->by_fd);
    server->by_fd = NULL;
}

/* --- For the library's threads --------------------------------------------------------------- */

/*
 * The library calls this at a connection's start and before it closes the socket. So, with the lock
 * held, the descriptor of a started connection always belongs to it.
 */
void sh_http_on_connection(void *cls, struct MHD_Connection *connection, void **context,
                           enum MHD_ConnectionNotificationCode code)
{
    sh_http_server *server = cls;
    (void)pthread_mutex_lock(&server->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        sh_http_connection *c = info == NULL ? NULL : server->by_fd[info->connect_fd];
        if (c != NULL)
            c->started = true;
        *context = c;
    } else if (*context != NULL) {
        forget_connection(server, *context);
        *context = NULL;
    }
    (void)pthread_mutex_unlock(&server->lock);
}

sh_http_connection *sh_http_channel(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}
