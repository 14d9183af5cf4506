/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SPOOL_ITEM_H
#define PUSHER_SPOOL_ITEM_H

#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"

#include <stdint.h>

/* An item of the spool, shared by all files of the spool. */

#define SPOOL_NAME_BYTES 96

typedef struct {
    char name[SPOOL_NAME_BYTES]; /* of its file */
    uint8_t id[SH_ID_BYTES];
    int64_t time_ms; /* when it was spooled, by this node's clock: Unix time */
    char plugin[SH_PLUGIN_NAME_MAX + 1];
} spool_item;

/* Called with a sentence for the log about something unexpected. */
typedef void (*spool_notice)(const char *sentence);

#endif
