/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_KEY_CHECK_H
#define RECEIVER_INGEST_KEY_CHECK_H

#include "libcommon/native/envelope.h"
#include "libcommon/queue/queue.h"

#include <stdatomic.h>

/*
 * Whether SYNC_encryption_key is the hub's, by the check value in Redis: with another key, valid
 * pushes would be refused permanently, and queued entries could not be opened. Thread-safe.
 */
typedef enum { KEY_UNKNOWN, KEY_RIGHT, KEY_WRONG } key_state;

typedef struct {
    char own[SH_KEY_CHECK_HEX_BYTES]; /* check value of this receiver's key */
    _Atomic key_state state;
} ingest_key_check;

void ingest_key_check_init(ingest_key_check *guard, const uint8_t key[static SH_KEY_BYTES]);
key_state ingest_key_check_get(const ingest_key_check *guard);
/*
 * Reads the check value from Redis and returns the state: unchanged if Redis does not answer,
 * KEY_RIGHT if no receiver has published a key yet.
 */
key_state ingest_key_check_refresh(ingest_key_check *guard, sh_queue *queue);

#endif
