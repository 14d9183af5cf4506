/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http_server_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Connections are accepted here and not by the library: taking its listening socket away from it,
 * as a renewed certificate needs it, races with its threads (MHD_quiesce_daemon() in 0.9.75 and
 * 1.0.1 aborts the program where one of them is faster).
 */

#define FULL_WAIT_MS 20    /* until it is looked again whether a connection has ended */
#define FAILED_WAIT_MS 100 /* after the system could not accept: it is out of files or memory */

/* Whether the thread goes on after ms, or after somebody wants a connection where ms < 0. */
static bool wait_for_peer(const sh_http_server *server, int ms)
{
    struct pollfd waited[] = {{.fd = server->stop_fd, .events = POLLIN},
                              {.fd = ms < 0 ? server->listener : -1, .events = POLLIN}};
    (void)poll(waited, 2, ms);
    return waited[0].revents == 0;
}

static bool is_full(sh_http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    bool full = server->connections_count >= server->connections_max;
    (void)pthread_mutex_unlock(&server->lock);
    return full;
}

/* Accepts one; false where there is none, or the system cannot now. */
static bool accept_one(sh_http_server *server)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd =
        accept4(server->listener, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return false;
    (void)pthread_mutex_lock(&server->accept_lock);
    /* A connection over one of its limits is closed by the library. */
    (void)MHD_add_connection(server->current->mhd, fd, (const struct sockaddr *)&address, len);
    (void)pthread_mutex_unlock(&server->accept_lock);
    return true;
}

static void *accept_all(void *context)
{
    sh_http_server *server = context;
    for (int ms = -1; wait_for_peer(server, ms);) {
        ms = FULL_WAIT_MS;
        if (is_full(server))
            continue;
        errno = 0;
        ms = accept_one(server) || errno == EAGAIN || errno == ECONNABORTED || errno == EINTR
                 ? -1
                 : FAILED_WAIT_MS;
    }
    return NULL;
}

sh_err sh_http_accept_start(sh_http_server *server, sh_error *error)
{
    sigset_t all, before;
    server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->stop_fd < 0)
        return sh_fail(error, SH_E_IO, "eventfd: %s", strerror(errno));
    /* Signals are for the threads that were there before. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&server->accepter, NULL, accept_all, server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        return SH_OK;
    (void)close(server->stop_fd);
    server->stop_fd = -1;
    return sh_fail(error, SH_E_MEMORY, "no thread for the HTTP server: %s", strerror(failed));
}

void sh_http_accept_stop(sh_http_server *server)
{
    uint64_t one = 1;
    (void)!write(server->stop_fd, &one, sizeof one);
    (void)pthread_join(server->accepter, NULL);
    (void)close(server->stop_fd);
    (void)close(server->listener);
    server->stop_fd = server->listener = -1;
}
