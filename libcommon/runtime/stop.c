/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/stop.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/notify.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define POLL_MAX_MS 60000 /* for one poll(), whose time-out is an int */
#define STOP_MAX_S 9      /* from SIGTERM to the end of the process */

static int stop_fd = -1;
static int hangup_fd = -1;
static atomic_bool stop_requested;
static pthread_t main_thread; /* of sh_stop_init() */

static void on_stop_signal(int number)
{
    (void)number;
    int saved_errno = errno;
    if (!atomic_exchange(&stop_requested, true))
        (void)alarm(STOP_MAX_S);
    uint64_t one = 1;
    (void)!write(stop_fd, &one, sizeof one); /* cannot fail: the counter is far from its maximum */
    sh_notify_stopping();
    errno = saved_errno;
}

/* A resolver, a disk or a library hangs. Ending here loses no data, as SIGKILL does not. */
static void on_stop_deadline(int number)
{
    static const char message[] = "ending with unfinished work: stopping took too long\n";
    struct pollfd waited = {.fd = STDERR_FILENO, .events = POLLOUT};
    (void)number;
    if (poll(&waited, 1, 0) == 1)
        (void)!write(STDERR_FILENO, message, sizeof message - 1);
    _exit(0);
}

static void on_hangup(int number)
{
    (void)number;
    int saved_errno = errno;
    uint64_t one = 1;
    (void)!write(hangup_fd, &one, sizeof one);
    errno = saved_errno;
}

sh_err sh_stop_init(sh_error *error)
{
    main_thread = pthread_self();
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hangup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_fd < 0 || hangup_fd < 0)
        return sh_fail(error, SH_E_IO, "eventfd: %s", strerror(errno));
    struct sigaction stop = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    struct sigaction hangup = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    struct sigaction deadline = {.sa_handler = on_stop_deadline};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigemptyset(&deadline.sa_mask);
    (void)sigaction(SIGALRM, &deadline, NULL);
    (void)sigemptyset(&stop.sa_mask);
    (void)sigemptyset(&hangup.sa_mask);
    (void)sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* handle a file size limit like a full disk */
    (void)sigaction(SIGHUP, &hangup, NULL);
    return SH_OK;
}

int sh_stop_fd(void)
{
    return stop_fd;
}

bool sh_stop_requested(void)
{
    return atomic_load(&stop_requested);
}

int sh_hangup_fd(void)
{
    return hangup_fd;
}

bool sh_hangup_take(void)
{
    uint64_t count;
    return hangup_fd >= 0 && read(hangup_fd, &count, sizeof count) == (ssize_t)sizeof count;
}

void sh_service_alive(void)
{
    if (pthread_equal(pthread_self(), main_thread))
        sh_notify_alive(SH_NOTIFY_MAIN);
}

/* One poll() of at most POLL_MAX_MS. The caller calls it again after a signal interrupted it. */
static void poll_stop(int64_t ms)
{
    struct pollfd waited = {.fd = stop_fd, .events = POLLIN};
    sh_service_alive();
    ms = ms < POLL_MAX_MS ? ms : POLL_MAX_MS;
    ms = ms < sh_notify_interval_ms() ? ms : sh_notify_interval_ms();
    (void)poll(&waited, 1, (int)ms);
}

bool sh_stop_wait(int64_t ms)
{
    int64_t begin = sh_clock_monotonic_ms();
    for (;;) {
        int64_t waited = sh_clock_monotonic_ms() - begin;
        if (sh_stop_requested() || waited >= ms)
            return sh_stop_requested();
        poll_stop(ms - waited);
    }
}
