/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_READINESS_H
#define RECEIVER_READINESS_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"

#include <stdbool.h>

/*
 * The state behind GET /readyz: each part of the program that can fail reports its state.
 * Thread-safe.
 */
typedef enum {
    READINESS_STOPPING,    /* the program is stopping */
    READINESS_KEY,         /* whether SYNC_encryption_key is the hub's */
    READINESS_CREDENTIALS, /* whether the nodes' credentials are published */
    READINESS_MERGE,       /* the database, and merging from the queue into it */
    READINESS_PARTS
} readiness_part;

/*
 * Sets a part's state: reason NULL or "" is healthy. Returns whether the state changed, so that the
 * caller logs it once.
 */
bool readiness_set(readiness_part part, const char *reason);

/* Whether all parts are healthy; otherwise appends the first reason to *reason. */
bool readiness_is_good(sh_buf *reason);

#endif
