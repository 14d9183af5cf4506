/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/notify.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES 512
#define FEEDS_PER_TIMEOUT 4

static int notify_fd = -1;
static int64_t interval_ms = INT64_MAX;
static atomic_bool is_ready;
static atomic_uint expected = 1U << SH_NOTIFY_MAIN;
static atomic_uint seen_alive;
static _Atomic int64_t fed_ms; /* monotonic */

/* A full or closed socket loses the message; the service manager's time limits then apply. */
static bool send_message(const char *text, size_t len)
{
    return notify_fd >= 0 &&
           send(notify_fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

/* --- Initialization -------------------------------------------------------------------------- */

static sh_err connect_to(const char *path, sh_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || len >= sizeof address.sun_path)
        return sh_fail(error, SH_E_CONFIG,
                       "NOTIFY_SOCKET is '%.100s', which is not a socket of a service manager",
                       path);
    memcpy(address.sun_path, path, len);
    if (path[0] == '@') /* an abstract name begins with NUL */
        address.sun_path[0] = '\0';
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (notify_fd >= 0 && connect(notify_fd, (const struct sockaddr *)&address, size) == 0)
        return SH_OK;
    (void)sh_fail(error, SH_E_IO, "cannot reach the service manager at NOTIFY_SOCKET=%.100s: %s",
                  path, strerror(errno));
    if (notify_fd >= 0)
        (void)close(notify_fd);
    notify_fd = -1;
    return SH_E_IO;
}

static sh_err read_watchdog(sh_error *error)
{
    const char *pid_text = getenv("WATCHDOG_PID");
    const char *usec_text = getenv("WATCHDOG_USEC");
    uint64_t number;
    if (usec_text == NULL)
        return SH_OK;
    if (pid_text != NULL &&
        (!sh_text_to_u64(sh_slice_of(pid_text), INT32_MAX, &number) || (pid_t)number != getpid()))
        return SH_OK; /* meant for another process */
    if (!sh_text_to_u64(sh_slice_of(usec_text), INT64_MAX, &number) || number == 0)
        return sh_fail(error, SH_E_CONFIG, "WATCHDOG_USEC is '%.40s': use microseconds", usec_text);
    int64_t ms = (int64_t)(number / 1000 / FEEDS_PER_TIMEOUT);
    interval_ms = ms > 0 ? ms : 1;
    return SH_OK;
}

sh_err sh_notify_init(sh_error *error)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || path[0] == '\0')
        return SH_OK;
    sh_err err = connect_to(path, error);
    if (err == SH_OK)
        err = read_watchdog(error);
    atomic_store(&fed_ms, sh_clock_monotonic_ms());
    return err;
}

/* --- Messages -------------------------------------------------------------------------------- */

/* Replaces control characters, which would start another variable. */
static void send_line(const char *prefix, const char *text)
{
    char message[MESSAGE_BYTES];
    int len = snprintf(message, sizeof message, "%s%s", prefix, text);
    if (len < 0)
        return;
    size_t used = (size_t)len < sizeof message ? (size_t)len : sizeof message - 1;
    for (size_t i = strlen(prefix); i < used; i++)
        if ((unsigned char)message[i] < ' ')
            message[i] = ' ';
    (void)send_message(message, used);
}

void sh_notify_ready(const char *status)
{
    if (!atomic_exchange(&is_ready, true))
        send_line("READY=1\nSTATUS=", status);
}

void sh_notify_status(const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list args;
    if (notify_fd < 0)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    send_line("STATUS=", text);
}

void sh_notify_reloading(void)
{
    struct timespec now;
    char message[64];
    /* sd_notify(3) requires the time, to distinguish answers to several signals. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int len = snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                       (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    (void)send_message(message, (size_t)len);
}

void sh_notify_reloaded(void)
{
    static const char message[] = "READY=1";
    (void)send_message(message, sizeof message - 1);
}

void sh_notify_stopping(void)
{
    static const char message[] = "STOPPING=1\nSTATUS=stopping";
    int saved_errno = errno;
    (void)send_message(message, sizeof message - 1);
    errno = saved_errno;
}

/* --- The watchdog ---------------------------------------------------------------------------- */

int64_t sh_notify_interval_ms(void)
{
    return interval_ms;
}

void sh_notify_expect(sh_notify_part part)
{
    atomic_fetch_or(&expected, 1U << part);
}

void sh_notify_dismiss(sh_notify_part part)
{
    atomic_fetch_and(&expected, ~(1U << part));
}

void sh_notify_alive(sh_notify_part part)
{
    static const char message[] = "WATCHDOG=1";
    if (notify_fd < 0 || interval_ms == INT64_MAX)
        return;
    unsigned seen = atomic_fetch_or(&seen_alive, 1U << part) | 1U << part;
    unsigned wanted = atomic_load(&expected);
    int64_t now_ms = sh_clock_monotonic_ms();
    if ((seen & wanted) != wanted || now_ms - atomic_load(&fed_ms) < interval_ms)
        return;
    if (send_message(message, sizeof message - 1)) {
        atomic_store(&seen_alive, 0);
        atomic_store(&fed_ms, now_ms);
    }
}
