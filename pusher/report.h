/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_REPORT_H
#define PUSHER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* The result of an attempt to deliver everything that is due. */
typedef struct {
    bool failed;           /* something was not delivered, for any reason */
    bool later;            /* try again soon: the hub is down or busy */
    bool foreign;          /* something in front of the hub refused it; later is also set */
    bool needs_operator;   /* try again, but an operator must act first */
    int64_t retry_after_s; /* the hub's Retry-After, -1 if none */
} push_report;

#endif
