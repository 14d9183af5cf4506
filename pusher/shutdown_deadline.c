/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/shutdown_deadline.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct shutdown_deadline {
    int stop_fd;  /* borrowed */
    int over_fd;  /* readable after the deadline */
    int ended_fd; /* makes the thread end */
    int ms;
    bool running;
    pthread_t thread;
};

/* Waits for fd, at most ms (-1: no limit); false when the thread must end. */
static bool wait_for(const shutdown_deadline *g, int fd, int ms)
{
    struct pollfd fds[] = {{.fd = g->ended_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    int ready;
    do
        ready = poll(fds, 2, ms);
    while (ready < 0 && errno == EINTR);
    return ready >= 0 && fds[0].revents == 0;
}

static void *watch_stop(void *argument)
{
    shutdown_deadline *g = argument;
    if (wait_for(g, g->stop_fd, -1) && wait_for(g, -1, g->ms))
        (void)eventfd_write(g->over_fd, 1);
    return NULL;
}

sh_err shutdown_deadline_new(int stop_fd, int64_t ms, shutdown_deadline **ret, sh_error *error)
{
    *ret = NULL;
    shutdown_deadline *g = calloc(1, sizeof *g);
    if (g == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to watch for a stop");
    g->stop_fd = stop_fd;
    g->ms = (int)ms;
    g->over_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (g->over_fd >= 0 && g->ended_fd >= 0)
        g->running = pthread_create(&g->thread, NULL, watch_stop, g) == 0;
    if (!g->running) {
        shutdown_deadline_free(g);
        return sh_fail(error, SH_E_IO,
                       "cannot watch for a stop signal: out of descriptors or threads");
    }
    *ret = g;
    return SH_OK;
}

void shutdown_deadline_free(shutdown_deadline *g)
{
    if (g == NULL)
        return;
    if (g->running) {
        (void)eventfd_write(g->ended_fd, 1);
        (void)pthread_join(g->thread, NULL);
    }
    if (g->over_fd >= 0)
        (void)close(g->over_fd);
    if (g->ended_fd >= 0)
        (void)close(g->ended_fd);
    free(g);
}

int shutdown_deadline_fd(const shutdown_deadline *g)
{
    return g->over_fd;
}
