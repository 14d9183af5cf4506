/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/os/wall_timer.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>

/* The last time that time_t can hold and every kernel takes: in the year 2200, or 2038. */
#define NEVER_MS (sizeof(time_t) > 4 ? INT64_C(7258118400000) : INT64_C(2147483647000))

sh_err sh_wall_timer_open(int *ret, sh_error *error)
{
    *ret = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    return *ret >= 0 ? SH_OK : sh_fail(error, SH_E_IO, "cannot make a timer: %s", strerror(errno));
}

sh_err sh_wall_timer_set(int fd, int64_t unix_ms, sh_error *error)
{
    /* 0 would stop the timer. */
    int64_t at_ms = unix_ms < 1 ? 1 : unix_ms > NEVER_MS ? NEVER_MS : unix_ms;
    const struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000}};
    int failed;
    /* ECANCELED tells of a change of the clock before this call, once; the new time is not set. */
    do
        failed = timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
    while (failed != 0 && errno == ECANCELED);
    if (failed == 0)
        return SH_OK;
    return sh_fail(error, SH_E_IO, "cannot set a timer: %s", strerror(errno));
}
