/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HEALTH_H
#define RECEIVER_HEALTH_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"

#include <stdbool.h>

/*
 * What GET /readyz answers from: each part of the program that can be unable to work tells its
 * state. Thread-safe.
 */
typedef enum {
    HEALTH_STOPPING, /* not ready once the program was asked to stop */
    HEALTH_KEY,      /* whether SYNC_encryption_key is the hub's */
    HEALTH_MERGE,    /* the database and the way from the queue into it */
    HEALTH_PARTS
} health_part;

/* reason NULL or "": this part is well. Returns whether that is news, so that it is logged once. */
bool health_set(health_part part, const char *reason);

/* Whether all parts are well; else the first reason is added to *reason. */
bool health_is_good(sh_buf *reason);

#endif
