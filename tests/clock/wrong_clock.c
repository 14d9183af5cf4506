/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A wall clock that tests can set. Preloaded into a program (LD_PRELOAD), it adds an offset to
 * every reading of the wall clock and leaves the monotonic clock alone. The offset is one signed
 * 64-bit number of milliseconds, in the byte order of the machine, in the file that
 * SYNCHUB_TEST_CLOCK names; the file is mapped, so that a change is seen by the next reading.
 *
 * A timer of the wall clock (timerfd_create(2)) follows it, too: it is replaced by an eventfd that
 * a thread makes readable when the timer's time comes or the offset changes, as the kernel does
 * with TFD_TIMER_CANCEL_ON_SET. There may be one timer.
 */
#include "tests/wait.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *ret);
int gettimeofday(struct timeval *restrict ret, void *restrict zone);
time_t time(time_t *ret);

static const _Atomic int64_t *offset_ms;

__attribute__((constructor)) static void map_offset(void)
{
    const char *path = getenv("SYNCHUB_TEST_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (at != MAP_FAILED)
        offset_ms = at;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
    long failed = syscall(SYS_clock_gettime, id, ret);
    if (failed != 0 || offset_ms == NULL ||
        (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE && id != CLOCK_TAI))
        return (int)failed;
    int64_t ms = atomic_load(offset_ms);
    ret->tv_sec += ms / 1000;
    ret->tv_nsec += ms % 1000 * 1000000;
    if (ret->tv_nsec < 0) {
        ret->tv_nsec += 1000000000;
        ret->tv_sec--;
    } else if (ret->tv_nsec >= 1000000000) {
        ret->tv_nsec -= 1000000000;
        ret->tv_sec++;
    }
    return 0;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    ret->tv_sec = now.tv_sec;
    ret->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    if (ret != NULL)
        *ret = now.tv_sec;
    return now.tv_sec;
}

/* --- Timers ---------------------------------------------------------------------------------- */

#define TICK_US 20000

static _Atomic int timer_fd = -1;
static _Atomic int64_t timer_at_ms = INT64_MAX;

static void *run_timer(void *argument)
{
    int fd = *(const _Atomic int *)argument;
    int64_t seen_ms = atomic_load(offset_ms);
    for (;;) {
        struct timespec now;
        poll_pause_us(TICK_US);
        if (atomic_load(&timer_fd) != fd)
            return NULL;
        int64_t ahead_ms = atomic_load(offset_ms), at_ms = atomic_load(&timer_at_ms);
        (void)clock_gettime(CLOCK_REALTIME, &now);
        bool has_come = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 >= at_ms;
        if (!has_come && ahead_ms == seen_ms)
            continue;
        seen_ms = ahead_ms;
        if (has_come)
            (void)atomic_compare_exchange_strong(&timer_at_ms, &at_ms, INT64_MAX);
        (void)eventfd_write(fd, 1);
    }
}

int timerfd_create(clockid_t id, int flags)
{
    pthread_t thread;
    sigset_t all, before;
    if (offset_ms == NULL || id != CLOCK_REALTIME)
        return (int)syscall(SYS_timerfd_create, id, flags);
    int fd = eventfd(0, (flags & TFD_CLOEXEC ? EFD_CLOEXEC : 0) |
                            (flags & TFD_NONBLOCK ? EFD_NONBLOCK : 0));
    if (fd < 0)
        return -1;
    atomic_store(&timer_fd, fd);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, NULL, run_timer, &timer_fd);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed == 0)
        failed = pthread_detach(thread);
    if (failed == 0)
        return fd;
    (void)close(fd);
    return -1;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *old)
{
    eventfd_t ignored;
    if (offset_ms == NULL || fd != atomic_load(&timer_fd))
        return (int)syscall(SYS_timerfd_settime, fd, flags, at, old);
    (void)eventfd_read(fd, &ignored);
    atomic_store(&timer_at_ms,
                 (int64_t)at->it_value.tv_sec * 1000 + at->it_value.tv_nsec / 1000000);
    return 0;
}
