/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_WAIT_H
#define TESTS_WAIT_H

#include <time.h>

/*
 * The pause between two checks of what a test or a bench waits for, and the only one: tests/lint
 * refuses every other sleep. The caller's loop checks a condition, and ends after a limit of its
 * own.
 */
static inline void poll_pause_us(unsigned us)
{
    struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};
    while (nanosleep(&left, &left) != 0) /* a signal came */
        ;
}

#endif
