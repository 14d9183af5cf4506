/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/log_writer.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * O_NONBLOCK would apply to the open file description, which other programs share (a terminal, a
 * pipe). So the thread waits with poll() and may block in write(); callers wait for it only as long
 * as they ask for.
 */

#define STACK_BYTES (64 * SH_KIB)
#define TICK_MS 1000
#define LOST_LINE_BYTES 512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t changed; /* monotonic clock */
static pthread_cond_t drained;
static char buffers[2][SH_LOG_QUEUE_MAX]; /* one is filled while the other is written */
static char *queue = buffers[0];
static size_t queue_len;
static bool has_thread, writing, ticks_wanted;
static uint64_t lost, lost_reported;
static void (*on_tick)(void);
static size_t (*format_lost)(uint64_t lost, char *ret, size_t ret_bytes);

/* A permanent error of standard error is ignored, as there is no other place to report it. */
static void write_line(const char *line, size_t len)
{
    while (len > 0) {
        struct pollfd waited = {.fd = STDERR_FILENO, .events = POLLOUT};
        if (poll(&waited, 1, -1) < 0 && errno != EINTR)
            return;
        ssize_t n = write(STDERR_FILENO, line, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return;
        line += n;
        len -= (size_t)n;
    }
}

/* One write() for each line, so that lines of several programs do not mix in a pipe. */
static void write_lines(const char *lines, size_t len)
{
    while (len > 0) {
        const char *end = memchr(lines, '\n', len);
        size_t line_len = end == NULL ? len : (size_t)(end - lines) + 1;
        write_line(lines, line_len);
        lines += line_len;
        len -= line_len;
    }
}

static void deadline_in(int64_t ms, struct timespec *ret)
{
    int64_t at_ms = sh_clock_monotonic_ms() + ms;
    ret->tv_sec = (time_t)(at_ms / 1000);
    ret->tv_nsec = (long)(at_ms % 1000) * 1000000;
}

/* Call with the lock held: writes the queued lines, and releases the lock meanwhile. */
static void write_queue(void)
{
    char *full = queue;
    size_t len = queue_len;
    uint64_t unreported = lost - lost_reported;
    queue = full == buffers[0] ? buffers[1] : buffers[0];
    queue_len = 0;
    writing = true;
    (void)pthread_mutex_unlock(&lock);
    write_lines(full, len);
    if (unreported > 0 && format_lost != NULL) { /* after the lines just written */
        char line[LOST_LINE_BYTES];
        write_line(line, format_lost(unreported, line, sizeof line));
    }
    (void)pthread_mutex_lock(&lock);
    lost_reported += unreported;
    writing = false;
}

static void *run_writer(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&lock);
    for (;;) {
        while (queue_len > 0 || lost > lost_reported)
            write_queue();
        (void)pthread_cond_broadcast(&drained);
        if (ticks_wanted) {
            struct timespec until;
            deadline_in(TICK_MS, &until);
            if (pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT && on_tick != NULL) {
                (void)pthread_mutex_unlock(&lock);
                on_tick();
                (void)pthread_mutex_lock(&lock);
            }
        } else {
            (void)pthread_cond_wait(&changed, &lock);
        }
    }
    return NULL;
}

static void init(void)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&changed, &attributes);
    (void)pthread_cond_init(&drained, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

/* Call with the lock held. If it fails, lines stay queued until it succeeds. */
static void start_thread(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all); /* other threads handle signals */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    has_thread = pthread_create(&thread, &attributes, run_writer, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
}

/*
 * Writing to a file does not depend on a reader, so it needs no thread, and no line is lost in a
 * crash.
 */
static bool is_file(void)
{
    struct stat about;
    return fstat(STDERR_FILENO, &about) == 0 && S_ISREG(about.st_mode);
}

void sh_log_writer_put(const char *line, size_t len)
{
    (void)pthread_once(&once, init);
    (void)pthread_mutex_lock(&lock);
    if (queue_len == 0 && !writing && is_file()) {
        write_line(line, len);
        (void)pthread_mutex_unlock(&lock);
        return;
    }
    if (!has_thread)
        start_thread();
    if (len <= SH_LOG_QUEUE_MAX - queue_len) {
        memcpy(queue + queue_len, line, len);
        queue_len += len;
    } else {
        lost++;
    }
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
}

uint64_t sh_log_writer_lost(void)
{
    (void)pthread_mutex_lock(&lock);
    uint64_t n = lost;
    (void)pthread_mutex_unlock(&lock);
    return n;
}

void sh_log_writer_set(void (*tick)(void),
                       size_t (*format)(uint64_t lost, char *ret, size_t ret_bytes))
{
    (void)pthread_mutex_lock(&lock);
    on_tick = tick;
    format_lost = format;
    (void)pthread_mutex_unlock(&lock);
}

void sh_log_writer_want_ticks(bool wanted)
{
    (void)pthread_once(&once, init);
    (void)pthread_mutex_lock(&lock);
    if (wanted && !has_thread)
        start_thread();
    if (wanted && !ticks_wanted)
        (void)pthread_cond_signal(&changed);
    ticks_wanted = wanted;
    (void)pthread_mutex_unlock(&lock);
}

bool sh_log_writer_flush(int64_t ms)
{
    struct timespec until;
    (void)pthread_once(&once, init);
    deadline_in(ms, &until);
    (void)pthread_mutex_lock(&lock);
    bool good = true;
    while (good && has_thread && (queue_len > 0 || writing || lost > lost_reported))
        good = pthread_cond_timedwait(&drained, &lock, &until) != ETIMEDOUT;
    (void)pthread_mutex_unlock(&lock);
    return good;
}
