/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_REPORT_H
#define PUSHER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* What came of an attempt to deliver all that is due. */
typedef struct {
    bool failed;           /* something was not delivered, for whatever reason */
    bool later;            /* it is to be tried again soon: hub away or busy */
    bool foreign;          /* something before the hub did not let it through; later is set, too */
    bool needs_operator;   /* it is to be tried again, but somebody must act first */
    int64_t retry_after_s; /* what the hub asked for, -1 for nothing */
} push_report;

#endif
